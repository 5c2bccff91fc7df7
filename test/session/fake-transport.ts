import type { CloseCode } from '../../src/session/close-code.ts'
import type { Transport } from '../../src/session/transport.ts'
import type { Block } from '../../src/wire/block.ts'
import { jsonForm } from '../../src/wire/json-form.ts'

/** A connection that keeps what it is given. */
export class FakeTransport implements Transport {
  readonly form = jsonForm
  readonly messages: Record<string, unknown>[] = []
  /** What frames said of the positions that they cover. */
  readonly coverage: Record<string, unknown>[] = []
  readonly written = { frames: 0, bytes: 0 }
  unsentBytes = 0
  signsOfLife = 0
  closed: CloseCode | undefined
  isCongested = false
  hasRoom = true
  #onDrain: () => void = () => undefined

  onDrain(listener: () => void): void {
    this.#onDrain = listener
  }

  drained(): void {
    this.hasRoom = true
    this.#onDrain()
  }

  write(block: Block): 'written' | 'congested' {
    if (this.isCongested) return 'congested'
    this.#take(block)
    return 'written'
  }

  close(why: CloseCode, farewell?: Block): void {
    if (farewell !== undefined) this.#take(farewell)
    this.closed = why
  }

  /** What came since the last call. */
  take(): Record<string, unknown>[] {
    return this.messages.splice(0)
  }

  #take(block: Block): void {
    this.written.frames++
    this.written.bytes += block.framed().length
    for (const message of JSON.parse(block.payload.toString()) as Record<string, unknown>[]) {
      if (message['T'] === 'coverage') this.coverage.push(message)
      else this.messages.push(message)
    }
  }
}
