import type { Clock } from '../../system/clock.ts'
import type { PreparedFrame } from '../../wire/prepared-frame.ts'
import type { SessionLimits } from '../session-context.ts'
import type { Transport, Written } from '../transport.ts'

/** Why a client gets nothing more for now: its connection does not take it, or it does not acknowledge what it has. */
export type Congestion = 'unsent' | 'unacknowledged'

/** What acknowledging brought. */
export type AckOutcome = 'further' | 'repeated' | { readonly detail: string }

export interface FlowControlOptions {
  readonly transport: Transport
  readonly limits: Pick<SessionLimits, 'maxUnackedBytes' | 'maxUnackedMs'>
  readonly clock: Clock
}

/** Up to which frame was sent when, and how many bytes with it. */
interface Mark {
  readonly frame: number
  readonly bytes: number
  readonly ms: number
}

/** Unsent bytes beyond which no data is queued for a client: two frames. With the next frame that is all it can hold. */
const maxQueuedBytes = 131_072
/** A mark is made after so many bytes, or so much time, whichever comes first. */
const markBytes = 16_384
const markMs = 100
/** Of a client that does not acknowledge; never changed. */
const noMarks: Mark[] = []

/**
 * How fast a client takes what it is sent, as far as it can be known: by what its connection has not taken and, once it acknowledges
 * the frames that it has handled, by those. The kernel hides megabytes, and a browser whose page stands still goes on answering pings.
 */
export class FlowControl {
  readonly #transport: Transport
  readonly #limits: FlowControlOptions['limits']
  readonly #clock: Clock
  /** Made when the first one waits. */
  #wakers: Set<() => void> | undefined
  /** Data frames sent, and their bytes. */
  #frames = 0
  #bytes = 0
  /** Frames acknowledged; `undefined` as long as the client has acknowledged none. */
  #acked: number | undefined
  #ackedBytes = 0
  /** What was sent and is not acknowledged, oldest first. */
  #marks: Mark[] = noMarks

  constructor({ transport, limits, clock }: FlowControlOptions) {
    this.#transport = transport
    this.#limits = limits
    this.#clock = clock
    transport.onDrain(() => this.#wake())
  }

  /** Writes a frame of data, unless that would be more than its client takes; why not, or what became of it. */
  send(block: PreparedFrame): Exclude<Written, 'congested'> | Congestion {
    if (!this.#isAcknowledged) return 'unacknowledged'
    const written = this.#transport.write(block, maxQueuedBytes)
    if (written === 'congested') return 'unsent'
    this.sent(block.framed().length)
    return written
  }

  /** Counts a frame of data, which was written. */
  sent(bytes: number): void {
    this.#frames++
    this.#bytes += bytes
    if (this.#acked !== undefined) this.#mark()
  }

  /** Takes the client's word that it has handled the first `frames` frames; the first such word makes it an acknowledging client. */
  ack(frames: number): AckOutcome {
    if (frames > this.#frames)
      return { detail: `n=${frames}: ${this.#frames} frames with data were sent so far` }
    if (this.#acked === undefined) return this.#begin(frames)
    if (frames < this.#acked) return { detail: `n=${frames}: ${this.#acked} were acknowledged already` }
    if (frames === this.#acked) return 'repeated'
    this.#acked = frames
    while ((this.#marks[0]?.frame ?? Infinity) <= frames) this.#ackedBytes = this.#marks.shift()?.bytes ?? 0
    if (frames === this.#frames) this.#ackedBytes = this.#bytes
    this.#wake()
    return 'further'
  }

  get isAcknowledging(): boolean {
    return this.#acked !== undefined
  }

  /** Bytes of data that the client has not acknowledged, 16 kB more at most; 0 if it never acknowledges. */
  get unackedBytes(): number {
    return this.#acked === undefined ? 0 : this.#bytes - this.#ackedBytes
  }

  get unsentBytes(): number {
    return this.#transport.unsentBytes
  }

  /** Whether more can be written at once; if not, the listeners of `onRoom` are told when it may be otherwise. */
  get hasRoom(): boolean {
    return this.#transport.hasRoom && this.#isAcknowledged
  }

  /** What keeps a live client from being written to. */
  get congestion(): Congestion | undefined {
    if (this.unsentBytes > maxQueuedBytes) return 'unsent'
    return this.#isAcknowledged ? undefined : 'unacknowledged'
  }

  /** Changes with every sign that the client goes on reading. */
  get progress(): number {
    return this.#acked ?? this.#transport.signsOfLife
  }

  onRoom(waker: () => void): void {
    this.#wakers ??= new Set()
    this.#wakers.add(waker)
  }

  offRoom(waker: () => void): void {
    this.#wakers?.delete(waker)
  }

  /** How large the first frames were is not known, but on average. */
  #begin(frames: number): AckOutcome {
    this.#acked = frames
    this.#marks = []
    this.#ackedBytes = this.#frames === 0 ? 0 : Math.round((this.#bytes * frames) / this.#frames)
    if (frames < this.#frames) this.#mark()
    return 'further'
  }

  get #isAcknowledged(): boolean {
    if (this.#acked === undefined) return true
    const [oldest] = this.#marks
    if (oldest === undefined) return true
    return (
      this.#bytes - this.#ackedBytes <= this.#limits.maxUnackedBytes &&
      this.#clock.steady() - oldest.ms <= this.#limits.maxUnackedMs
    )
  }

  #mark(): void {
    const ms = this.#clock.steady()
    const last = this.#marks.at(-1)
    if (last !== undefined && this.#bytes - last.bytes < markBytes && ms - last.ms < markMs) return
    this.#marks.push({ frame: this.#frames, bytes: this.#bytes, ms })
  }

  #wake(): void {
    if (this.#wakers !== undefined) for (const waker of this.#wakers) waker()
  }
}
