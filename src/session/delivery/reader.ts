import type { Channel } from '../../event/event.ts'
import type { NumberedPosition } from '../../feed/feed.ts'
import type { Selection } from '../../feed/selection.ts'
import type { PreparedFrame } from '../../wire/prepared-frame.ts'
import type { WireForm } from '../../wire/wire-form.ts'
import { CatchUp } from '../catch-up/catch-up.ts'
import type { DeliveryContext, Recipient } from '../session-context.ts'
import type { OffsetRange, StartPosition } from '../catch-up/window-read.ts'
import { ConflatedReader } from './conflated-reader.ts'
import type { FlowControl } from './flow-control.ts'
import type { BehindCause } from '../session-counts.ts'
import { type Selections, type LiveReceiver, LiveMemberships, type Untold } from './live-memberships.ts'

/** Who reads by it. */
export interface ReaderOwner {
  /** The user. */
  readonly subject: string
  /** Told of a fault that is not the client's. */
  failed(error: unknown): void
  /** Told that the current values of the conflated channels are to be sent: what was to be replaced has left the memory. */
  skipped(): void
  /** Told that the reader, which had fallen behind, is live again. */
  caughtUp(): void
}

export interface ReaderOptions {
  readonly owner: ReaderOwner
  readonly recipient: Recipient
  readonly flowControl: FlowControl
}

/** That a reader is behind, and since when; times on the steady clock. */
interface Behind {
  readonly cause: BehindCause
  readonly sinceMs: number
  readonly catchUp: CatchUp
  readonly newest: readonly ConflatedReader[]
  readonly abort: AbortController
  /** The last sign that its client goes on reading, and when it was seen. */
  progress: number
  progressMs: number
}

/** How far a reader is behind. */
export interface Lag {
  readonly cause: BehindCause
  /** For how long. */
  readonly ms: number
  /** For how long its client has not taken anything although there was something to take. */
  readonly idleMs: number
  /** Offsets between its positions and those of the feed. */
  readonly offsets: number
}

const nothing: Selection = new Map()
const noInterests: Selections = { live: nothing, intervals: new Map(), every: nothing, conflated: nothing }

/**
 * A session's place in the feed. *Live*, it is one of its audience and is written to. *Behind*, since it resumes or its client does
 * not keep up, it holds nothing but its position, reads from there at its client's pace, and joins again where the feed is.
 */
export class Reader implements LiveReceiver {
  readonly #parts: DeliveryContext
  readonly #owner: ReaderOwner
  readonly #recipient: Recipient
  readonly #flowControl: FlowControl
  readonly #memberships: LiveMemberships
  #interests = noInterests
  /** Counts the changes of interests. */
  #revision = 0
  #behind: Behind | undefined
  #hasLost = false

  constructor(parts: DeliveryContext, { owner, recipient, flowControl }: ReaderOptions) {
    this.#parts = parts
    this.#owner = owner
    this.#recipient = recipient
    this.#flowControl = flowControl
    this.#memberships = new LiveMemberships(parts.feed, this)
  }

  get form(): WireForm {
    return this.#recipient.form
  }

  get isLive(): boolean {
    return this.#behind === undefined
  }

  /** Whether its client was told while it was behind that it does not get something. */
  get hasLost(): boolean {
    return this.#hasLost
  }

  /** Up to where its client has everything of the lossless channels. */
  get positions(): readonly NumberedPosition[] {
    // First, for what is written thereby may be more than its client takes.
    this.#parts.feed.flush()
    return this.#behind?.catchUp.positions ?? this.#parts.feed.positions
  }

  /**
   * Wants something else from now on. False if a conflated event was still to be told that is told nowhere now: the current values
   * are to be sent.
   */
  follow(interests: Selections): boolean {
    // What is pending is not what is wanted from now on. It may be the frame with which its client does not keep up.
    this.#parts.feed.flush()
    const former = this.#interests.conflated
    this.#interests = interests
    this.#revision++
    if (this.#behind !== undefined) {
      const { catchUp, newest } = this.#behind
      catchUp.rewind()
      for (const reader of newest) reader.restart(catchUp.positions, former)
      return true
    }
    if (this.#memberships.prepare(interests)) return this.#memberships.take(interests)
    this.#lag('preparing')
    return true
  }

  /** Begins behind, at what its client missed of the lossless channels, and calls `onLive` when it has come to where the feed is. */
  resume(starts: readonly StartPosition[], onLive: () => void): void {
    this.#fallBehind('resume', { starts, newest: [], onLive })
  }

  deliver(block: PreparedFrame): 'done' | void {
    const sent = this.#flowControl.send(block)
    if (sent === 'taken') return 'done'
    if (sent !== 'written') this.#lag(sent)
  }

  /** Partitions have begun or ended: tells its client what it does not get of these. */
  noticePartitions(): void {
    this.#behind?.catchUp.noticePartitions()
  }

  offer(blocks: readonly PreparedFrame[]): boolean {
    const congestion = this.#flowControl.congestion
    if (congestion === undefined) for (const block of blocks) this.send(block)
    else this.#lag(congestion)
    return congestion === undefined
  }

  miss(): void {
    this.#lag('forgotten')
  }

  /** Writes a frame of data, whatever is unsent. */
  send(block: PreparedFrame): void {
    this.#flowControl.sent(block.framed().length)
    this.#recipient.write(block)
  }

  /** Tells its client what it does not get any more. */
  lose(extent: OffsetRange): void {
    this.#hasLost = true
    this.#parts.resuming.readers.lostOffsets += extent.to - extent.from
    this.#recipient.send({ T: 'lost', ranges: [rangeOf(extent)] })
  }

  /** How far it is behind; `undefined` when it is live. */
  lagAt(nowMs: number): Lag | undefined {
    const behind = this.#behind
    if (behind === undefined) return undefined
    const { feed } = this.#parts
    const { progress, hasRoom } = this.#flowControl
    if (progress !== behind.progress || hasRoom) {
      behind.progress = progress
      behind.progressMs = nowMs
    }
    let offsets = 0
    feed.flush()
    const reached = feed.positions
    for (const [index, { offset }] of this.positions.entries())
      offsets += (reached[index]?.offset ?? offset) - offset
    const { cause, sinceMs, progressMs } = behind
    return { cause, ms: nowMs - sinceMs, idleMs: nowMs - progressMs, offsets: Math.max(0, offsets) }
  }

  /** Nothing is delivered any more. */
  end(): void {
    // First, for what is written thereby may be more than its client takes.
    this.#memberships.leave()
    this.#behind?.abort.abort()
  }

  /** Its client does not take what is written: the frame at hand is the first that it does not get. */
  #lag(cause: Exclude<BehindCause, 'resume'>): void {
    const { feed } = this.#parts
    // What is pending counts as missed as well; who notices it there is behind already.
    feed.flush()
    if (this.#behind !== undefined) return
    const { live, intervals } = this.#memberships.leave()
    const told = new Set(intervals.flatMap(({ channels }) => [...channels]))
    const newest = [
      this.#conflatedReader(live, channel => !told.has(channel)),
      ...intervals.map(({ starts, channels }) =>
        this.#conflatedReader(starts, channel => channels.has(channel)),
      ),
    ]
    this.#fallBehind(cause, { starts: live, newest, onLive: () => this.#owner.caughtUp() })
    this.#tellUncounted(intervals)
  }

  /** What was left over at the end of an interval lies before where it is read from. */
  #tellUncounted(intervals: readonly Untold[]): void {
    const uncounted = intervals.filter(({ isWhole }) => !isWhole)
    if (uncounted.length === 0) return
    const ranges = uncounted.flatMap(({ starts }) =>
      starts.map(({ number, offset }) => ({ number, from: this.#parts.feed.beginOf(number), to: offset })),
    )
    this.#skip(ranges.filter(({ from, to }) => from < to))
  }

  #skip(extents: readonly OffsetRange[]): void {
    this.#recipient.send({ T: 'replaced', ranges: extents.map(rangeOf) })
    this.#owner.skipped()
  }

  #conflatedReader(starts: readonly StartPosition[], isOf: (channel: Channel) => boolean): ConflatedReader {
    const { feed, resuming } = this.#parts
    return new ConflatedReader(
      {
        feed,
        form: this.form,
        deltaBases: this.#memberships.deltaBases,
        selection: () => only(this.#interests.conflated, isOf),
        deliver: block => this.send(block),
        onReplaced: (item, count) => {
          const channel: Channel | undefined = feed.lastValues.items.at(item)?.channel
          if (channel !== undefined) resuming.readers.replaced[channel] += count
        },
        onSkipped: extents => this.#skip(extents),
      },
      starts,
    )
  }

  #fallBehind(cause: BehindCause, { starts, newest, onLive }: Beginning): void {
    const { clock, resuming } = this.#parts
    const counts = resuming.readers
    const abort = new AbortController()
    const catchUp = this.#createCatchUp(starts, newest, abort.signal)
    const { progress } = this.#flowControl
    const sinceMs = clock.steady()
    this.#behind = { cause, sinceMs, catchUp, newest, abort, progress, progressMs: sinceMs }
    counts.behind[cause]++
    counts.begun[cause]++
    catchUp
      .run(() => {
        this.#behind = undefined
        counts.onCaughtUp.notify({ cause, ms: clock.steady() - sinceMs, events: catchUp.events })
        this.#memberships.take(this.#interests)
        onLive()
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) this.#owner.failed(error)
      })
      .finally(() => counts.behind[cause]--)
  }

  #createCatchUp(
    starts: readonly StartPosition[],
    newest: readonly ConflatedReader[],
    signal: AbortSignal,
  ): CatchUp {
    const { history, scheduler, limits, readers } = this.#parts.resuming
    return new CatchUp(
      {
        ...limits.of(this.#owner.subject),
        feed: this.#parts.feed,
        history,
        scheduler,
        flowControl: this.#flowControl,
        form: this.form,
        deltaBases: this.#memberships.deltaBases,
        newest,
        signal,
        counts: readers.caughtUp,
        selection: () => this.#interests.every,
        revision: () => this.#revision,
        prepare: () => this.#memberships.prepare(this.#interests),
        deliver: block => this.send(block),
        tell: message => this.#recipient.send(message),
        lose: extent => this.lose(extent),
      },
      starts,
    )
  }
}

/** How a reader begins to be behind. */
interface Beginning {
  readonly starts: readonly StartPosition[]
  readonly newest: readonly ConflatedReader[]
  readonly onLive: () => void
}

function only(selection: Selection, isOf: (channel: Channel) => boolean): Selection {
  return new Map([...selection].filter(([channel]) => isOf(channel)))
}

function rangeOf({ number, from, to }: OffsetRange): readonly [number: number, from: number, to: number] {
  return [number, from, to]
}
