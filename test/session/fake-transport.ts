import type { CloseReason } from '../../src/protocol/close-reason.ts'
import type { Farewell, Transport, TransportTraits } from '../../src/session/transport.ts'
import type { Payload } from '../../src/wire/payload.ts'
import { JsonForm } from '../../src/wire/json/json-form.ts'
import type { WireForm } from '../../src/wire/wire-form.ts'
import { FormReader } from '../support/form-reader.ts'

const jsonForm = new JsonForm()
const webSocketTraits: TransportTraits = {
  name: 'websocket',
  maxMessageBytes: Infinity,
  isOrdered: true,
  hasUpstream: true,
}

/** A connection that keeps what it is given. */
export class FakeTransport implements Transport {
  readonly traits: TransportTraits
  readonly form: WireForm
  readonly messages: Record<string, unknown>[] = []
  /** What frames said of the positions that they cover. */
  readonly coverage: Record<string, unknown>[] = []
  readonly written = { frames: 0, bytes: 0 }
  /** Frames that a client acknowledges. */
  dataFrames = 0
  unsentBytes = 0
  signsOfLife = 0
  closed: CloseReason | undefined
  isOpened = false
  isCongested = false
  hasRoom = true
  readonly #reader = new FormReader()
  #onDrain: () => void = () => undefined

  constructor(form: WireForm = jsonForm, traits: Partial<TransportTraits> = {}) {
    this.form = form
    this.traits = { ...webSocketTraits, ...traits }
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener
  }

  drained(): void {
    this.hasRoom = true
    this.#onDrain()
  }

  write(block: Payload, mostUnsentBytes = Infinity): 'written' | 'congested' {
    if (this.isCongested || this.unsentBytes > mostUnsentBytes) return 'congested'
    this.#take(block)
    return 'written'
  }

  opened(): void {
    this.isOpened = true
  }

  close(why: CloseReason, farewell?: Farewell): void {
    if (farewell?.payload !== undefined) this.#take(farewell.payload)
    this.closed = why
  }

  /** What came since the last call. */
  take(): Record<string, unknown>[] {
    return this.messages.splice(0)
  }

  #take(block: Payload): void {
    this.written.frames++
    this.written.bytes += block.length
    const messages = this.#reader.messagesOf(block.bytes, block.kind === 'binary')
    const kind = String(messages[0]?.['T'])
    if (block.kind === 'binary' || kind.length === 1 || kind === 'snapshot') this.dataFrames++
    for (const message of messages) {
      if (message['T'] === 'coverage') this.coverage.push(message)
      else this.messages.push(message)
    }
  }
}
