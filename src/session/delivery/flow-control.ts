import type { Clock } from '../../system/clock.ts'
import type { Payload } from '../../wire/payload.ts'
import type { SessionLimits } from '../session-context.ts'
import type { Transport, Written } from '../transport.ts'

/**
 * Why a client gets nothing more for now: its connection does not take it, or the client does not acknowledge
 * what it has.
 */
export type Congestion = 'unsent' | 'unacknowledged'

/** What an acknowledgement brought; `fault` says what is wrong with it. */
export type AckOutcome = 'further' | 'repeated' | { readonly fault: string }

export interface FlowControlOptions {
  readonly transport: Transport
  readonly limits: Pick<SessionLimits, 'maxUnackedBytes' | 'maxUnackedMs'>
  readonly clock: Clock
}

/** How many frames and bytes had been sent at a time. */
interface Checkpoint {
  readonly frames: number
  readonly bytes: number
  readonly ms: number
}

/**
 * Unsent bytes beyond which no data is queued for a client: two frames. With the next frame that is all that
 * a queue can hold.
 */
const maxQueuedBytes = 131_072
/** A checkpoint is made after so many bytes, or so much time, whichever comes first. */
const checkpointBytes = 16_384
const checkpointMs = 100
/** Of a client that does not acknowledge; never changed. */
const noCheckpoints: Checkpoint[] = []

/**
 * Limits what is sent to one client to what it takes: by what its connection has not taken and, once the
 * client acknowledges the frames that it has handled, by those. The kernel hides megabytes, and a browser
 * whose page stands still goes on answering pings.
 */
export class FlowControl {
  readonly #transport: Transport
  readonly #limits: FlowControlOptions['limits']
  readonly #clock: Clock
  /** Made when the first listener comes. */
  #listeners: Set<() => void> | undefined
  /** Data frames sent, and their bytes. */
  #frames = 0
  #bytes = 0
  /** Frames acknowledged; `undefined` as long as the client has acknowledged none. */
  #ackedFrames: number | undefined
  #ackedBytes = 0
  /** Of what was sent and is not acknowledged, oldest first. */
  #checkpoints: Checkpoint[] = noCheckpoints

  constructor({ transport, limits, clock }: FlowControlOptions) {
    this.#transport = transport
    this.#limits = limits
    this.#clock = clock
    transport.onDrain(() => this.#notify())
  }

  /**
   * Writes a frame of data, unless the client would not take it. Returns why not, or what became of the
   * frame.
   */
  send(frame: Payload): Exclude<Written, 'congested'> | Congestion {
    if (!this.#isAcknowledged) return 'unacknowledged'
    const written = this.#transport.write(frame, maxQueuedBytes)
    if (written === 'congested') return 'unsent'
    this.count(frame.length)
    return written
  }

  /** Counts a frame of data that was written otherwise. */
  count(bytes: number): void {
    this.#frames++
    this.#bytes += bytes
    if (this.#ackedFrames !== undefined) this.#addCheckpoint()
  }

  /**
   * The client says that it has handled the first `frames` frames. With the first acknowledgement it begins
   * to be held to them.
   */
  acknowledge(frames: number): AckOutcome {
    if (frames > this.#frames)
      return { fault: `n=${frames}: ${this.#frames} frames with data were sent so far` }
    if (this.#ackedFrames === undefined) return this.#beginAcknowledging(frames)
    if (frames < this.#ackedFrames)
      return { fault: `n=${frames}: ${this.#ackedFrames} were acknowledged already` }
    if (frames === this.#ackedFrames) return 'repeated'
    this.#ackedFrames = frames
    while ((this.#checkpoints[0]?.frames ?? Infinity) <= frames)
      this.#ackedBytes = this.#checkpoints.shift()?.bytes ?? 0
    if (frames === this.#frames) this.#ackedBytes = this.#bytes
    this.#notify()
    return 'further'
  }

  get isAcknowledging(): boolean {
    return this.#ackedFrames !== undefined
  }

  /**
   * Bytes of data that the client has not acknowledged, or up to 16 kB more; 0 if the client never
   * acknowledges.
   */
  get unackedBytes(): number {
    return this.#ackedFrames === undefined ? 0 : this.#bytes - this.#ackedBytes
  }

  get unsentBytes(): number {
    return this.#transport.unsentBytes
  }

  /**
   * Whether more can be written at once; if not, the listeners of `onRoom` are called when that may have
   * changed.
   */
  get hasRoom(): boolean {
    return this.#transport.hasRoom && this.#isAcknowledged
  }

  /** Why a live client cannot be written to; `undefined` where it can. */
  get congestion(): Congestion | undefined {
    if (this.unsentBytes > maxQueuedBytes) return 'unsent'
    return this.#isAcknowledged ? undefined : 'unacknowledged'
  }

  /** Changes with every sign that the client goes on reading. */
  get progress(): number {
    return this.#ackedFrames ?? this.#transport.signsOfLife
  }

  onRoom(listener: () => void): void {
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
  }

  offRoom(listener: () => void): void {
    this.#listeners?.delete(listener)
  }

  /** Resolves when more can be written at once, or when the signal has aborted. */
  async untilRoom(signal: AbortSignal): Promise<void> {
    while (!this.hasRoom && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const wake = (): void => resolve()
      this.onRoom(wake)
      signal.addEventListener('abort', wake)
      await promise
      this.offRoom(wake)
      signal.removeEventListener('abort', wake)
    }
  }

  /** The size of the first frames is not known any more, so they count with the mean. */
  #beginAcknowledging(frames: number): AckOutcome {
    this.#ackedFrames = frames
    this.#checkpoints = []
    this.#ackedBytes = this.#frames === 0 ? 0 : Math.round((this.#bytes * frames) / this.#frames)
    if (frames < this.#frames) this.#addCheckpoint()
    return 'further'
  }

  get #isAcknowledged(): boolean {
    if (this.#ackedFrames === undefined) return true
    const [oldest] = this.#checkpoints
    if (oldest === undefined) return true
    return (
      this.#bytes - this.#ackedBytes <= this.#limits.maxUnackedBytes &&
      this.#clock.steady() - oldest.ms <= this.#limits.maxUnackedMs
    )
  }

  #addCheckpoint(): void {
    const ms = this.#clock.steady()
    const last = this.#checkpoints.at(-1)
    if (last !== undefined && this.#bytes - last.bytes < checkpointBytes && ms - last.ms < checkpointMs)
      return
    this.#checkpoints.push({ frames: this.#frames, bytes: this.#bytes, ms })
  }

  #notify(): void {
    if (this.#listeners !== undefined) for (const listener of this.#listeners) listener()
  }
}
