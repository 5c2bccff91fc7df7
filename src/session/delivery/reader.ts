import type { Channel } from '../../event/event.ts'
import type { NumberedPosition } from '../../feed/feed.ts'
import { Selection } from '../../feed/selection.ts'
import type { OffsetRange } from '../../protocol/positions.ts'
import type { Payload } from '../../wire/payload.ts'
import type { WireForm } from '../../wire/wire-form.ts'
import { Behind, type ConflatedStart, type Lag } from '../catch-up/behind.ts'
import { type CursorFault, planResume, type ResumePlan, type ResumeRequest } from '../catch-up/resume-plan.ts'
import type { StartPosition } from '../catch-up/window-read.ts'
import type { DeliveryContext, Recipient } from '../session-context.ts'
import type { BehindCause } from '../session-counts.ts'
import type { FlowControl } from './flow-control.ts'
import {
  type IntervalPosition,
  LiveMemberships,
  type LiveReceiver,
  type Selections,
} from './live-memberships.ts'
import { type ReaderEvent, type ReaderStateName, type ReaderStep, readerSteps } from './reader-steps.ts'

export interface ReaderOwner {
  /** The user. */
  readonly subject: string
  /** Called with a fault that is not the client's. */
  failed(error: unknown): void
  /**
   * Called when the client needs the current values of its conflated channels: events were skipped that
   * nobody counted.
   */
  skipped(): void
  /** Called when a reader that had fallen behind is live again. */
  caughtUp(): void
}

export interface ReaderOptions {
  readonly owner: ReaderOwner
  readonly recipient: Recipient
  readonly flowControl: FlowControl
}

/** Called as a resume goes on: `refused`, or `planned` and then `live`. */
export interface ResumeListener {
  refused(fault: string): void
  planned(plan: ResumePlan): void
  live(): void
}

interface Live {
  readonly name: 'live'
}

interface Planning {
  readonly name: 'planning'
  readonly abort: AbortController
}

interface CatchingUp {
  readonly name: 'catchingUp'
  readonly behind: Behind
}

interface Rejoining {
  readonly name: 'rejoining'
  readonly behind: Behind
}

interface Ended {
  readonly name: 'ended'
}

type ReaderState = Live | Planning | CatchingUp | Rejoining | Ended

// Shared: an idle session takes no memory for its state.
const live: Live = { name: 'live' }
const ended: Ended = { name: 'ended' }
const { none: nothing } = Selection
const noSelections: Selections = { live: nothing, intervals: new Map(), every: nothing, conflated: nothing }

/**
 * A session's position in the feed. A *live* reader is a member of its audiences and is written to. A reader
 * that resumes, or whose client does not keep up, is *behind*: it holds nothing but its position, reads from
 * there at its client's speed, and joins again where the feed is. `readerSteps` says what becomes of it.
 */
export class Reader implements LiveReceiver {
  readonly #context: DeliveryContext
  readonly #owner: ReaderOwner
  readonly #recipient: Recipient
  readonly #flowControl: FlowControl
  readonly #memberships: LiveMemberships
  #selections = noSelections
  #state: ReaderState = live
  #hasLost = false

  constructor(context: DeliveryContext, { owner, recipient, flowControl }: ReaderOptions) {
    this.#context = context
    this.#owner = owner
    this.#recipient = recipient
    this.#flowControl = flowControl
    this.#memberships = new LiveMemberships(context.feed, this)
  }

  get form(): WireForm {
    return this.#recipient.form
  }

  get state(): ReaderStateName {
    return this.#state.name
  }

  /** Whether the client was told, while it was behind, that it does not get something. */
  get hasLost(): boolean {
    return this.#hasLost
  }

  /**
   * The client has everything of the lossless channels before these positions, once the feed has been
   * flushed.
   */
  get positions(): readonly NumberedPosition[] {
    return this.#behind?.positions ?? this.#context.feed.positions
  }

  get #behind(): Behind | undefined {
    return 'behind' in this.#state ? this.#state.behind : undefined
  }

  /**
   * Delivers something else from now on. Returns false if a conflated event was still to be delivered and no
   * membership delivers it now: the client needs the current values.
   */
  select(selections: Selections): boolean {
    // Pending events belong to the former selections. The reader may fall behind by this flush.
    this.#context.feed.flush()
    const former = this.#selections
    this.#selections = selections
    const { action } = this.#step('select')
    if (action === 'rewind') this.#behind?.rewind(former.conflated)
    if (action !== 'join') return true
    if (this.#memberships.prepare(selections)) return this.#join()
    this.#fallBehind('unprepared', 'preparing')
    return true
  }

  /** Delivers what the client missed since its cursor, then what comes. */
  resume(request: Omit<ResumeRequest, 'feed' | 'history' | 'signal'>, listener: ResumeListener): void {
    const { to, action } = this.#step('resume')
    if (action !== 'plan') return
    const { feed, resuming } = this.#context
    const abort = new AbortController()
    const { signal } = abort
    this.#state = { name: to, abort }
    planResume({ ...request, feed, history: resuming.history, signal })
      .then(plan => this.#begin(plan, listener))
      .catch((error: unknown) => {
        if (!signal.aborted) this.#owner.failed(error)
      })
  }

  deliver(frame: Payload): 'done' | void {
    const sent = this.#flowControl.send(frame)
    if (sent === 'taken') return 'done'
    if (sent !== 'written') this.#fallBehind('congested', sent)
  }

  offer(frames: readonly Payload[]): boolean {
    const congestion = this.#flowControl.congestion
    if (congestion === undefined) for (const frame of frames) this.send(frame)
    else this.#fallBehind('congested', congestion)
    return congestion === undefined
  }

  miss(): void {
    this.#fallBehind('forgotten', 'forgotten')
  }

  /** Writes a frame of data, however much is unsent. */
  send(frame: Payload): void {
    this.#flowControl.count(frame.length)
    this.#recipient.write(frame)
  }

  /** Tells the client which offsets it does not get. */
  lose(range: OffsetRange): void {
    this.#hasLost = true
    this.#context.resuming.readers.lostOffsets += range.to - range.from
    this.#recipient.send({ kind: 'lost', ranges: [range] })
  }

  /** Tells a client that is behind what it does not get of partitions that have begun or ended. */
  noticePartitions(): void {
    this.#behind?.noticePartitions()
  }

  /** How far the reader is behind at a time on the steady clock; `undefined` where it is live. */
  lagAt(nowMs: number): Lag | undefined {
    return this.#behind?.lagAt(nowMs)
  }

  /** Delivers nothing any more. */
  end(): void {
    // The reader may fall behind by this flush.
    this.#context.feed.flush()
    const former = this.#state
    this.#step('end')
    this.#memberships.leave()
    if ('abort' in former) former.abort.abort()
    if ('behind' in former) former.behind.stop()
  }

  /**
   * Goes where the table says. A state that holds something new is entered by whoever performs the step's
   * action.
   */
  #step(event: ReaderEvent): ReaderStep {
    const step = readerSteps[this.#state.name][event]
    if (step.to === 'live') this.#state = live
    else if (step.to === 'ended') this.#state = ended
    else if (step.to !== 'planning' && 'behind' in this.#state)
      this.#state = { name: step.to, behind: this.#state.behind }
    return step
  }

  #join(): boolean {
    const isDelivered = this.#memberships.join(this.#selections)
    // The session may have ended by what it was sent.
    if (this.#state === ended) this.#memberships.leave()
    return isDelivered
  }

  #begin(plan: ResumePlan | CursorFault, listener: ResumeListener): void {
    if ('fault' in plan) {
      if (this.#step('refused').to === 'live') listener.refused(plan.fault)
      return
    }
    const { to, action } = this.#step('planned')
    if (action !== 'begin') return
    const behind = this.#createBehind('resume', {
      starts: plan.starts,
      conflated: [],
      onLive: () => listener.live(),
    })
    this.#state = { name: to, behind }
    void behind.run()
    listener.planned(plan)
  }

  /** The frame at hand is the first one that the client does not get. */
  #fallBehind(event: 'congested' | 'forgotten' | 'unprepared', cause: BehindCause): void {
    // Pending events count as missed, too. The reader may fall behind by this flush already.
    this.#context.feed.flush()
    const { to, action } = this.#step(event)
    if (action !== 'leave') return
    const { live: starts, intervals } = this.#memberships.leave()
    const atIntervals = new Set(intervals.flatMap(({ channels }) => [...channels]))
    const conflated: ConflatedStart[] = [
      { starts, isOf: channel => !atIntervals.has(channel) },
      ...intervals.map(interval => ({
        starts: interval.starts,
        isOf: (channel: Channel) => interval.channels.has(channel),
      })),
    ]
    const behind = this.#createBehind(cause, { starts, conflated, onLive: () => this.#owner.caughtUp() })
    this.#state = { name: to, behind }
    void behind.run()
    this.#skipLeftovers(intervals)
  }

  /**
   * Events that were left over at the end of an interval lie before the position from which the channels are
   * read.
   */
  #skipLeftovers(intervals: readonly IntervalPosition[]): void {
    const uncounted = intervals.filter(({ isWhole }) => !isWhole)
    if (uncounted.length === 0) return
    const ranges = uncounted.flatMap(({ starts }) =>
      starts.map(({ number, offset }) => ({ number, from: this.#context.feed.beginOf(number), to: offset })),
    )
    this.#skip(ranges.filter(({ from, to }) => from < to))
  }

  /** There may be no range: numbers whose retirement the client was told cannot be named any more. */
  #skip(ranges: readonly OffsetRange[]): void {
    if (ranges.length > 0) this.#recipient.send({ kind: 'replaced', ranges })
    this.#owner.skipped()
  }

  #createBehind(cause: BehindCause, { starts, conflated, onLive }: Beginning): Behind {
    return new Behind({
      context: this.#context,
      subject: this.#owner.subject,
      flowControl: this.#flowControl,
      form: this.form,
      feed: this.#context.feed,
      deltaBases: this.#memberships.deltaBases,
      cause,
      starts,
      conflated,
      selections: () => this.#selections,
      onProgress: progress => void this.#step(progress),
      prepare: () => this.#memberships.prepare(this.#selections),
      join: () => {
        this.#step('joined')
        this.#join()
        onLive()
      },
      send: frame => this.send(frame),
      tell: message => this.#recipient.send(message),
      lose: range => this.lose(range),
      skip: ranges => this.#skip(ranges),
      failed: error => this.#owner.failed(error),
    })
  }
}

/** How a reader begins to be behind. */
interface Beginning {
  readonly starts: readonly StartPosition[]
  readonly conflated: readonly ConflatedStart[]
  readonly onLive: () => void
}
