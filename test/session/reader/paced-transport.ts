import type { CloseCode } from '../../../src/session/close-code.ts'
import type { Transport } from '../../../src/session/transport.ts'
import type { Block } from '../../../src/wire/block.ts'
import { jsonForm } from '../../../src/wire/json-form.ts'

/** A connection that takes frames as fast as the test says; what it has not taken is lost with it. */
export class PacedTransport implements Transport {
  readonly form = jsonForm
  readonly written = { frames: 0, bytes: 0 }
  signsOfLife = 0
  closed: CloseCode | undefined
  /** What has reached the client's machine. */
  inbox: string[] = []
  #queue: string[] = []
  /** Frames that it takes before it takes nothing. */
  #credit = Infinity
  /** Unsent bytes beside those in the queue, while it takes nothing. */
  #ballast = 0
  #onDrain: () => void = () => undefined

  get unsentBytes(): number {
    if (this.#credit > 0) return 0
    return this.#queue.reduce((sum, text) => sum + text.length, this.#ballast)
  }

  get hasRoom(): boolean {
    return this.#credit > 0 && this.#queue.length === 0
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener
  }

  write(block: Block): 'written' {
    const text = block.payload.toString()
    this.written.frames++
    this.written.bytes += text.length
    if (this.#credit > 0) {
      this.#credit--
      this.inbox.push(text)
    } else {
      this.#queue.push(text)
    }
    return 'written'
  }

  close(why: CloseCode, farewell?: Block): void {
    if (farewell !== undefined) this.write(farewell)
    this.closed = why
  }

  /** Takes nothing more; of what it has taken, so many bytes are unsent. */
  stall(ballast: number): void {
    this.#credit = 0
    this.#ballast = ballast
  }

  /** Takes so many frames, first those that wait. */
  take(frames: number): void {
    const passed = this.#queue.splice(0, frames)
    this.inbox.push(...passed)
    this.#credit = frames - passed.length
    this.signsOfLife++
    if (this.hasRoom) this.#onDrain()
  }
}
