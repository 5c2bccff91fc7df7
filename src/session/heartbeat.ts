import { type Channel, channels } from '../event/event.ts'
import type { Feed } from '../feed/feed.ts'
import { SlicedVisit } from '../limits/sliced-visit.ts'
import type { HeartbeatMessage } from '../protocol/server-message.ts'
import { type Clock, type Moment, readClock, wallTimeOf } from '../system/clock.ts'
import type { Payload } from '../wire/payload.ts'
import type { WireForm } from '../wire/wire-form.ts'
import type { Session } from './session.ts'

export interface HeartbeatOptions {
  readonly feed: Feed
  readonly clock: Clock
  /** All sessions, from the first again with each call. */
  readonly sessions: () => Iterator<Session>
}

/** A session that has missed more heartbeats is told every position. */
const maxRemembered = 16

/** Tells every session that the feed is read, how far, and how old its newest events are. */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  readonly #visit: SlicedVisit<Session>
  /** The feed's moves at the time of the last heartbeats. */
  readonly #beats: number[] = []

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#visit = new SlicedVisit(options.sessions)
  }

  /**
   * Sends a heartbeat to every session, and warns slow clients. All sessions get the same frame, but a
   * session that has missed heartbeats is also told the positions that these stated.
   */
  beat(): void {
    const { clock, feed } = this.#options
    const now = readClock(clock)
    // Recent events expire also while no event comes.
    feed.tick(now.steadyMs)
    const frames = new HeartbeatFrames(feed, this.#message(now))
    const former = [...this.#beats]
    this.#beats.push(feed.moves)
    if (this.#beats.length > maxRemembered) this.#beats.shift()
    this.#visit.begin(session => {
      const { form, delivery } = session
      const announcedMoves = delivery?.announcedMoves ?? Infinity
      // The session may fall behind by the flush that this contains.
      const live = frames.live(form, former.findLast(moves => moves <= announcedMoves) ?? 0)
      if (session.isCaughtUp) session.sendHeartbeat(live.frame, live.moves)
      else session.sendHeartbeat(frames.behind(form))
      session.warnOfLag(now.steadyMs)
    })
  }

  stop(): void {
    this.#visit.stop()
  }

  #message(now: Moment): HeartbeatMessage {
    const { feed } = this.#options
    const agesMs: Partial<Record<Channel, number>> = {}
    for (const channel of channels) {
      const ageMs = now.steadyMs - feed.lastValues.newestMs[channel]
      if (ageMs < Infinity) agesMs[channel] = Math.max(0, Math.round(ageMs))
    }
    const outage = feed.outage()
    return {
      kind: 'heartbeat',
      atMs: now.wallMs,
      agesMs,
      // During an outage nobody knows how much of the log is still to be read.
      lag: feed.lag ?? null,
      outage: outage && { source: outage.source, sinceMs: wallTimeOf(outage.sinceMs, now) },
    }
  }
}

interface LiveHeartbeat {
  readonly frame: Payload | undefined
  /** The feed's moves at the time whose positions it states. */
  readonly moves: number
}

/** One heartbeat, as frames. The positions that have changed are the same for all live sessions. */
class HeartbeatFrames {
  readonly #feed: Feed
  readonly #message: HeartbeatMessage
  readonly #live = new Map<WireForm, Map<number, LiveHeartbeat>>()
  readonly #behind = new Map<WireForm, Payload | undefined>()
  #numbers: number

  constructor(feed: Feed, message: HeartbeatMessage) {
    this.#feed = feed
    this.#message = message
    this.#numbers = feed.numbers
  }

  /** Returns the heartbeat with the positions that have changed since some of the feed's moves. */
  live(form: WireForm, since: number): LiveHeartbeat {
    const feed = this.#feed
    // A number must not be stated after the message that retires it.
    if (this.#numbers !== feed.numbers) this.#live.clear()
    this.#numbers = feed.numbers
    const heartbeats = this.#live.get(form) ?? new Map<number, LiveHeartbeat>()
    this.#live.set(form, heartbeats)
    const known = heartbeats.get(since)
    if (known !== undefined) return known
    feed.flush()
    const positions = feed.movedSince(since)
    const made = { frame: form.message({ ...this.#message, positions }), moves: feed.moves }
    heartbeats.set(since, made)
    return made
  }

  behind(form: WireForm): Payload | undefined {
    if (!this.#behind.has(form)) this.#behind.set(form, form.message(this.#message))
    return this.#behind.get(form)
  }
}
