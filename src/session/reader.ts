import type { Channel } from '../event/event.ts'
import type { Audience, Subscriber } from '../fanout/audience.ts'
import type { Feed, NumberedPosition } from '../fanout/feed.ts'
import type { History } from '../fanout/history.ts'
import type { Interest } from '../fanout/interest.ts'
import type { Block } from '../wire/block.ts'
import type { WireForm } from '../wire/wire-form.ts'
import { CatchUp } from './catch-up.ts'
import type { Extent, Start } from './excerpts.ts'
import { NewestReader } from './newest-reader.ts'
import type { Congestion, Pace } from './pace.ts'
import type { BehindCause, ReaderCounts } from './reader-counts.ts'
import type { Clock } from './session-parts.ts'

/** What a session receives: while it is live, and of that what a reader behind gets whole, and what only the newest of. */
export interface Interests {
  readonly live: Interest
  readonly every: Interest
  readonly conflated: Interest
}

export interface ReaderParts {
  readonly feed: Feed
  readonly history: History
  /** Lets a few readers read the log at a time. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>
  readonly pace: Pace
  readonly form: WireForm
  readonly clock: Clock
  readonly counts: ReaderCounts
  /** Writes a frame; the session, and this with it, may end thereby. */
  readonly write: (block: Block) => void
  readonly tell: (message: object) => void
  /** Ends the session by a fault that is not its client's. */
  readonly fail: (error: unknown) => void
  /** Wants the current values of the conflated channels sent: what was to be replaced has left the memory. */
  readonly onSkipped: () => void
  /** The reader, which had fallen behind, is live again. */
  readonly onLive: () => void
}

/** That a reader is behind, and since when; times on the steady clock. */
interface Behind {
  readonly cause: BehindCause
  readonly sinceMs: number
  readonly catchUp: CatchUp
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

/**
 * A session's place in the feed. *Live*, it is one of its audience and is written to. *Behind*, since it resumes or its client does
 * not keep up, it holds nothing but its position, reads from there at its client's pace, and joins again where the feed is.
 */
export class Reader implements Subscriber {
  readonly #parts: ReaderParts
  #interests: Interests = { live: new Map(), every: new Map(), conflated: new Map() }
  /** Counts the changes of interests. */
  #revision = 0
  #audience: Audience | undefined
  /** Where the feed was when the audience was joined, by the number of the partition. */
  #joinedAt: readonly number[] = []
  #behind: Behind | undefined

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  get isLive(): boolean {
    return this.#behind === undefined
  }

  /** Up to where its client has everything of the lossless channels. */
  get positions(): NumberedPosition[] {
    return this.#behind?.catchUp.positions ?? this.#parts.feed.positions()
  }

  /** Wants something else from now on, between two batches, so that the positions told with it are exact. */
  follow(interests: Interests): void {
    this.#interests = interests
    this.#revision++
    if (this.#behind === undefined) this.#join()
    else this.#behind.catchUp.rewind()
  }

  /** Begins behind, at what its client missed of the lossless channels, and calls `onLive` when it has come to where the feed is. */
  resume(starts: readonly Start[], onLive: () => void): void {
    this.#fallBehind('resume', { starts, newest: [], onLive })
  }

  deliver(block: Block): void {
    const congestion = this.#parts.pace.congestion
    if (congestion === undefined) this.#send(block)
    else this.#lag(congestion)
  }

  /** Tells its client what it does not get any more. */
  lose(extent: Extent): void {
    this.#parts.counts.lostOffsets += extent.to - extent.from
    this.#parts.tell({ T: 'lost', ranges: [rangeOf(extent)] })
  }

  /** How far it is behind; `undefined` when it is live. */
  lagAt(nowMs: number): Lag | undefined {
    const behind = this.#behind
    if (behind === undefined) return undefined
    const { pace, feed } = this.#parts
    if (pace.progress !== behind.progress || pace.hasRoom) {
      behind.progress = pace.progress
      behind.progressMs = nowMs
    }
    let offsets = 0
    const reached = feed.positions()
    for (const [index, { offset }] of this.positions.entries())
      offsets += (reached[index]?.offset ?? offset) - offset
    const { cause, sinceMs, progressMs } = behind
    return { cause, ms: nowMs - sinceMs, idleMs: nowMs - progressMs, offsets: Math.max(0, offsets) }
  }

  /** Nothing is delivered any more. */
  end(): void {
    this.#behind?.abort.abort()
    this.#leave()
  }

  /** One of the audience of its interest from now on, whose former members know more of it than the feed's position. */
  #join(): void {
    const { feed, form } = this.#parts
    const { live } = this.#interests
    // Who joins gets what comes now, not what is still to be written.
    feed.flush()
    const former = this.#audience
    this.#audience = live.size > 0 ? feed.fanout.join(this, live, form) : undefined
    if (former === this.#audience) return
    if (former !== undefined) feed.fanout.leave(this, former)
    this.#joinedAt = feed.reached()
  }

  #leave(): void {
    if (this.#audience !== undefined) this.#parts.feed.fanout.leave(this, this.#audience)
    this.#audience = undefined
  }

  /** Its client does not take what is written: the frame at hand is the first that it does not get. */
  #lag(cause: Congestion): void {
    const audience = this.#audience
    if (audience === undefined) return
    const { onLive } = this.#parts
    const starts = this.#parts.feed.positions().map(({ number }) => {
      const told = Math.max(audience.coveredAt(number), this.#joinedAt[number] ?? 0)
      return { number, offset: told }
    })
    this.#leave()
    this.#fallBehind(cause, { starts, newest: [this.#newestReader(starts)], onLive })
  }

  #newestReader(starts: readonly Start[]): NewestReader {
    const { feed, form, counts, tell, onSkipped } = this.#parts
    return new NewestReader(
      {
        feed,
        form,
        interest: () => this.#interests.conflated,
        deliver: block => this.#send(block),
        onReplaced: (item, count) => {
          const channel: Channel | undefined = feed.tape.items.at(item)?.channel
          if (channel !== undefined) counts.replaced[channel] += count
        },
        onSkipped: extents => {
          tell({ T: 'replaced', ranges: extents.map(rangeOf) })
          onSkipped()
        },
      },
      starts,
    )
  }

  #fallBehind(cause: BehindCause, { starts, newest, onLive }: Beginning): void {
    const { counts, clock, pace, fail } = this.#parts
    const abort = new AbortController()
    const catchUp = new CatchUp(
      {
        ...this.#parts,
        newest,
        signal: abort.signal,
        counts: counts.caughtUp,
        interest: () => this.#interests.every,
        revision: () => this.#revision,
        deliver: block => this.#send(block),
        lose: extent => this.lose(extent),
      },
      starts,
    )
    const sinceMs = clock.steady()
    this.#behind = { cause, sinceMs, catchUp, abort, progress: pace.progress, progressMs: sinceMs }
    counts.behind[cause]++
    counts.begun[cause]++
    catchUp
      .run(() => {
        this.#behind = undefined
        counts.onCaughtUp({ cause, ms: clock.steady() - sinceMs, events: catchUp.events })
        this.#join()
        onLive()
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) fail(error)
      })
      .finally(() => counts.behind[cause]--)
  }

  #send(block: Block): void {
    this.#parts.pace.sent(block.framed().length)
    this.#parts.write(block)
  }
}

/** How a reader begins to be behind. */
interface Beginning {
  readonly starts: readonly Start[]
  readonly newest: readonly NewestReader[]
  readonly onLive: () => void
}

function rangeOf({ number, from, to }: Extent): readonly [number: number, from: number, to: number] {
  return [number, from, to]
}
