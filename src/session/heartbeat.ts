import { type Clock, type Moment, readClock } from '../system/clock.ts'
import { type Channel, channels } from '../event/event.ts'
import type { Feed } from '../feed/feed.ts'
import { reportOutage } from '../feed/outage.ts'
import type { PreparedFrame } from '../wire/prepared-frame.ts'
import type { WireForm } from '../wire/wire-form.ts'
import { SlicedVisit } from '../limits/sliced-visit.ts'
import type { Session } from './session.ts'

export interface HeartbeatParts {
  readonly feed: Feed
  readonly clock: Clock
  /** All sessions, from the first again with each call. */
  readonly sessions: () => Iterator<Session>
}

/** A session that has missed more of them is told every position. */
const mostBeats = 16

/** What tells every session that the feed is read, how far, and how old its newest events are. */
export class Heartbeat {
  readonly #parts: HeartbeatParts
  readonly #rounds: SlicedVisit<Session>
  /** The feed's moves that the last ones told of. */
  readonly #beats: number[] = []

  constructor(parts: HeartbeatParts) {
    this.#parts = parts
    this.#rounds = new SlicedVisit(parts.sessions)
  }

  /** Sends a heartbeat to every session, and tells those that are behind how far. All are sent the same, but who missed some is told what these told. */
  beat(): void {
    const { clock, feed } = this.#parts
    const now = readClock(clock)
    // Also while no events come.
    feed.tick(now.steadyMs)
    const blocks = new BeatBlocks(feed, this.#message(now))
    const former = [...this.#beats]
    this.#beats.push(feed.moves)
    if (this.#beats.length > mostBeats) this.#beats.shift()
    this.#rounds.begin(session => {
      const { form, announcedMoves } = session
      // First, for what is written thereby may be more than its client takes.
      const level = blocks.level(form, former.findLast(moves => moves <= announcedMoves) ?? 0)
      if (session.isLevel) session.notify(level.block, level.moves)
      else session.notify(blocks.behind(form))
      session.warnOfLag(now.steadyMs)
    })
  }

  /** Ends the round under way. */
  stop(): void {
    this.#rounds.stop()
  }

  #message(now: Moment): object {
    const { lastValues } = this.#parts.feed
    const { wallMs, steadyMs } = now
    const ages: Partial<Record<Channel, number>> = {}
    for (const channel of channels) {
      const ageMs = steadyMs - lastValues.newestMs[channel]
      if (ageMs < Infinity) ages[channel] = Math.max(0, Math.round(ageMs))
    }
    return { T: 'heartbeat', t: new Date(wallMs).toISOString(), agesMs: ages, ...this.#reading(now) }
  }
  /** How much of the log is still to be read; during an outage nobody knows. */
  #reading(now: Moment): object {
    const { feed } = this.#parts
    const outage = feed.outage()
    if (outage === undefined) return { lag: feed.lag }
    const { source, since } = reportOutage(outage, now)
    return { lag: null, source, since }
  }
}

interface LevelBlock {
  readonly block: PreparedFrame
  /** Up to which of the feed's moves it tells of positions. */
  readonly moves: number
}

/** One heartbeat as sessions are sent it. What has moved is the same for everyone who is live, for all of their items. */
class BeatBlocks {
  readonly #feed: Feed
  readonly #message: object
  readonly #level = new Map<WireForm, Map<number, LevelBlock>>()
  readonly #behind = new Map<WireForm, PreparedFrame>()
  #numbers: number

  constructor(feed: Feed, message: object) {
    this.#feed = feed
    this.#message = message
    this.#numbers = feed.numbers
  }

  /** With the positions of what was read further since some of the feed's moves. */
  level(form: WireForm, since: number): LevelBlock {
    const feed = this.#feed
    // A number that stands for nothing any more is not told after what says so.
    if (this.#numbers !== feed.numbers) this.#level.clear()
    this.#numbers = feed.numbers
    const blocks = this.#level.get(form) ?? new Map<number, LevelBlock>()
    this.#level.set(form, blocks)
    const known = blocks.get(since)
    if (known !== undefined) return known
    feed.flush()
    const positions = feed.movedSince(since)
    const made = { block: form.message({ ...this.#message, positions }), moves: feed.moves }
    blocks.set(since, made)
    return made
  }

  behind(form: WireForm): PreparedFrame {
    const block = this.#behind.get(form) ?? form.message(this.#message)
    this.#behind.set(form, block)
    return block
  }
}
