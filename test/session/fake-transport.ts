import type { CloseCode } from '../../src/session/close-code.ts'
import type { Transport } from '../../src/session/transport.ts'
import type { Block } from '../../src/wire/block.ts'
import { jsonForm } from '../../src/wire/json-form.ts'
import { TapeDecoder } from '../../src/wire/tape/tape-decoder.ts'
import type { WireForm } from '../../src/wire/wire-form.ts'

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
  readonly #decoder = new TapeDecoder()
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
    const messages = this.#messagesOf(block)
    const kind = String(messages[0]?.['T'])
    if (block.framed()[0] === 0x82 || kind.length === 1 || kind === 'snapshot') this.dataFrames++
    for (const message of messages) {
      if (message['T'] === 'coverage') this.coverage.push(message)
      else this.messages.push(message)
    }
  }

  /** The same whatever the form is. */
  #messagesOf(block: Block): Record<string, unknown>[] {
    if (block.framed()[0] === 0x81) return JSON.parse(block.payload.toString()) as Record<string, unknown>[]
    const frame = this.#decoder.decode(block.payload)
    if (frame.kind === 'messages') return frame.messages as Record<string, unknown>[]
    const { events, replaced, ranges } = frame
    const messages: Record<string, unknown>[] = events.map((event, index) => {
      const replaces = replaced.get(index)
      return { ...event, ...(replaces === undefined ? {} : { replaces }) }
    })
    if (ranges.length === 0) return messages
    return [
      ...messages,
      { T: 'coverage', ranges: ranges.map(({ partition, from, to }) => [partition, from, to]) },
    ]
  }
}
