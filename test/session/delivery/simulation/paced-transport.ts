import type { CloseReason } from '../../../../src/protocol/close-reason.ts'
import type {
  Farewell,
  Transport,
  TransportName,
  TransportTraits,
} from '../../../../src/session/transport.ts'
import type { Payload } from '../../../../src/wire/payload.ts'
import type { WireForm } from '../../../../src/wire/wire-form.ts'

/** What a frame brings. */
export interface Frame {
  readonly payload: Buffer
  readonly isBinary: boolean
}

/** A connection that takes frames as fast as the test says; what it has not taken is lost with it. */
export class PacedTransport implements Transport {
  readonly traits: TransportTraits
  readonly form: WireForm
  readonly written = { frames: 0, bytes: 0 }
  signsOfLife = 0
  closed: CloseReason | undefined
  /** What has reached the client's machine. */
  inbox: Frame[] = []
  #queue: Frame[] = []
  /** Frames that it takes before it takes nothing. */
  #credit = Infinity
  /** Unsent bytes beside those in the queue, while it takes nothing. */
  #ballast = 0
  #onDrain: () => void = () => undefined

  constructor(form: WireForm, name: TransportName) {
    const hasUpstream = name === 'websocket'
    this.traits = { name, maxMessageBytes: Infinity, isOrdered: true, hasUpstream }
    this.form = form
  }

  get unsentBytes(): number {
    if (this.#credit > 0) return 0
    return this.#queue.reduce((sum, { payload }) => sum + payload.length, this.#ballast)
  }

  get hasRoom(): boolean {
    return this.#credit > 0 && this.#queue.length === 0
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener
  }

  write(block: Payload, mostUnsentBytes = Infinity): 'written' | 'congested' {
    if (this.unsentBytes > mostUnsentBytes) return 'congested'
    // A copy: whoever made the block may use its memory for another.
    const frame = { payload: Buffer.from(block.bytes), isBinary: block.kind === 'binary' }
    this.written.frames++
    this.written.bytes += frame.payload.length
    if (this.#credit > 0) {
      this.#credit--
      this.inbox.push(frame)
    } else {
      this.#queue.push(frame)
    }
    return 'written'
  }

  opened(): void {}

  close(why: CloseReason, farewell?: Farewell): void {
    if (farewell?.payload !== undefined) this.write(farewell.payload)
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
