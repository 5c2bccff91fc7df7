import type { CloseCode } from '../../src/protocol/close-code.ts'
import type { Transport } from '../../src/session/transport.ts'
import type { PreparedFrame } from '../../src/wire/prepared-frame.ts'
import { JsonForm } from '../../src/wire/json/json-form.ts'
import type { WireForm } from '../../src/wire/wire-form.ts'
import { FormReader } from '../support/form-reader.ts'

const jsonForm = new JsonForm()

/** A connection that keeps what it is given. */
export class FakeTransport implements Transport {
  readonly form: WireForm
  readonly messages: Record<string, unknown>[] = []
  /** What frames said of the positions that they cover. */
  readonly coverage: Record<string, unknown>[] = []
  readonly written = { frames: 0, bytes: 0 }
  /** Frames that a client acknowledges. */
  dataFrames = 0
  unsentBytes = 0
  signsOfLife = 0
  closed: CloseCode | undefined
  isCongested = false
  hasRoom = true
  readonly #reader = new FormReader()
  #onDrain: () => void = () => undefined

  constructor(form: WireForm = jsonForm) {
    this.form = form
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener
  }

  drained(): void {
    this.hasRoom = true
    this.#onDrain()
  }

  write(block: PreparedFrame, mostUnsentBytes = Infinity): 'written' | 'congested' {
    if (this.isCongested || this.unsentBytes > mostUnsentBytes) return 'congested'
    this.#take(block)
    return 'written'
  }

  close(why: CloseCode, farewell?: PreparedFrame): void {
    if (farewell !== undefined) this.#take(farewell)
    this.closed = why
  }

  /** What came since the last call. */
  take(): Record<string, unknown>[] {
    return this.messages.splice(0)
  }

  #take(block: PreparedFrame): void {
    this.written.frames++
    this.written.bytes += block.framed().length
    const messages = this.#reader.messagesOf(block.payload, block.framed()[0] === 0x82)
    const kind = String(messages[0]?.['T'])
    if (block.framed()[0] === 0x82 || kind.length === 1 || kind === 'snapshot') this.dataFrames++
    for (const message of messages) {
      if (message['T'] === 'coverage') this.coverage.push(message)
      else this.messages.push(message)
    }
  }
}
