import type { Channel } from '../../event/event.ts'
import type { NumberedPosition } from '../../feed/feed.ts'
import type { Selection } from '../../feed/selection.ts'
import type { Payload } from '../../wire/payload.ts'
import type { FlowControl } from '../delivery/flow-control.ts'
import type { Selections } from '../delivery/live-memberships.ts'
import type { DeliveryContext } from '../session-context.ts'
import type { BehindCause } from '../session-counts.ts'
import { CatchUp } from './catch-up.ts'
import { ConflatedReader } from './conflated-reader.ts'
import type { FrameReceiver } from './history-frames.ts'
import type { OffsetRange } from '../../protocol/positions.ts'
import type { ServerMessage } from '../../protocol/server-message.ts'
import type { StartPosition } from './window-read.ts'

/** How far a reader is behind. */
export interface Lag {
  readonly cause: BehindCause
  /** For how long. */
  readonly ms: number
  /** For how long the client has taken nothing although there was something to take. */
  readonly idleMs: number
  /** Offsets between the reader's positions and those of the feed. */
  readonly offsets: number
}

/** Where some conflated channels are read from. */
export interface ConflatedStart {
  readonly starts: readonly StartPosition[]
  readonly isOf: (channel: Channel) => boolean
}

export interface BehindOptions extends FrameReceiver {
  readonly context: DeliveryContext
  /** The user. */
  readonly subject: string
  readonly flowControl: FlowControl
  readonly cause: BehindCause
  readonly starts: readonly StartPosition[]
  readonly conflated: readonly ConflatedStart[]
  /** What the client wants; another object whenever that changes. */
  readonly selections: () => Selections
  /** Called when the reader has read as far as the feed, or when the feed has gone on meanwhile. */
  readonly onProgress: (progress: 'level' | 'overtaken') => void
  /** Sends some of what the wire form needs before live frames. Returns whether the reader may join. */
  readonly prepare: () => boolean
  /** Makes the reader live. */
  readonly join: () => void
  readonly send: (frame: Payload) => void
  readonly tell: (message: ServerMessage) => void
  /** Tells the client of offsets that it does not get. */
  readonly lose: (range: OffsetRange) => void
  /** Tells the client of replaced events that nobody counted. */
  readonly skip: (ranges: readonly OffsetRange[]) => void
  /** Called with a fault that is not the client's. */
  readonly failed: (error: unknown) => void
}

/** One time that a reader is behind: why, since when, and the reads that bring it back. */
export class Behind {
  readonly #options: BehindOptions
  /** On the steady clock, as are all times here. */
  readonly #sinceMs: number
  readonly #abort = new AbortController()
  readonly #conflated: readonly ConflatedReader[]
  readonly #catchUp: CatchUp
  /** The last sign that the client goes on reading, and when it was seen. */
  #progress: number
  #progressMs: number

  constructor(options: BehindOptions) {
    const { context, flowControl, conflated } = options
    this.#options = options
    this.#sinceMs = context.clock.steady()
    this.#progress = flowControl.progress
    this.#progressMs = this.#sinceMs
    this.#conflated = conflated.map(start => this.#createConflatedReader(start))
    this.#catchUp = this.#createCatchUp()
  }

  /** The client has everything of the lossless channels before these positions. */
  get positions(): NumberedPosition[] {
    return this.#catchUp.positions
  }

  /** Reads until the reader has joined again, or until `stop`. Never rejects. */
  async run(): Promise<void> {
    const { cause, context, join, failed } = this.#options
    const counts = context.resuming.readers
    counts.behind[cause]++
    counts.begun[cause]++
    try {
      await this.#catchUp.run(() => {
        const ms = context.clock.steady() - this.#sinceMs
        counts.onCaughtUp.notify({ cause, ms, events: this.#catchUp.events })
        join()
      })
    } catch (error) {
      if (!this.#abort.signal.aborted) failed(error)
    } finally {
      counts.behind[cause]--
    }
  }

  stop(): void {
    this.#abort.abort()
  }

  /** The selections have changed: what was read, but not delivered, may hold something that is wanted now. */
  rewind(formerConflated: Selection): void {
    this.#catchUp.rewind()
    for (const reader of this.#conflated) reader.restart(this.positions, formerConflated)
  }

  /** Partitions have begun or ended. */
  noticePartitions(): void {
    this.#catchUp.noticePartitions()
  }

  lagAt(nowMs: number): Lag {
    const { cause, context, flowControl } = this.#options
    const { progress, hasRoom } = flowControl
    if (progress !== this.#progress || hasRoom) {
      this.#progress = progress
      this.#progressMs = nowMs
    }
    const ends = context.feed.positions
    let offsets = 0
    for (const [index, { offset }] of this.positions.entries())
      offsets += (ends[index]?.offset ?? offset) - offset
    return {
      cause,
      ms: nowMs - this.#sinceMs,
      idleMs: nowMs - this.#progressMs,
      offsets: Math.max(0, offsets),
    }
  }

  #createConflatedReader({ starts, isOf }: ConflatedStart): ConflatedReader {
    const { context, form, deltaBases, selections, send, skip } = this.#options
    const { feed, resuming } = context
    return new ConflatedReader(
      {
        feed,
        form,
        deltaBases,
        selection: () => selections().conflated.restrictedTo(isOf),
        send,
        onReplaced: (item, count) => {
          const channel = feed.lastValues.items.at(item)?.channel
          if (channel !== undefined) resuming.readers.replaced[channel] += count
        },
        onSkipped: skip,
      },
      starts,
    )
  }

  #createCatchUp(): CatchUp {
    const { context, subject, selections, starts } = this.#options
    const { history, scheduler, limits, readers } = context.resuming
    return new CatchUp(
      {
        ...this.#options,
        ...limits.of(subject),
        history,
        scheduler,
        counts: readers.caughtUp,
        conflated: this.#conflated,
        selection: () => selections().every,
        signal: this.#abort.signal,
      },
      starts,
    )
  }
}
