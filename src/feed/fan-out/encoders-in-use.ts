import type { EventEncoder, WireForm } from '../../wire/wire-form.ts'

/** The encoders of the wire forms that have audiences. */
export class EncodersInUse {
  readonly list: EventEncoder[] = []
  /** How many audiences use each. */
  readonly #audiences = new Map<EventEncoder, number>()

  /** An audience of a form begins. */
  open({ encoder }: WireForm): void {
    if (encoder === undefined) return
    const others = this.#audiences.get(encoder) ?? 0
    if (others === 0) this.list.push(encoder)
    this.#audiences.set(encoder, others + 1)
  }

  /** An audience of a form ends. */
  close({ encoder }: WireForm): void {
    if (encoder === undefined) return
    const others = (this.#audiences.get(encoder) ?? 1) - 1
    this.#audiences.set(encoder, others)
    if (others > 0) return
    this.list.splice(this.list.indexOf(encoder), 1)
    encoder.clear()
  }
}
