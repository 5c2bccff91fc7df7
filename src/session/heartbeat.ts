import { type Clock, type Moment, readClock } from '../clock.ts'
import { type Channel, channels } from '../event/event.ts'
import type { Feed } from '../fanout/feed.ts'
import { outageFacts } from '../outage.ts'
import type { Block } from '../wire/block.ts'
import type { WireForm } from '../wire/wire-form.ts'
import { Rounds } from './rounds.ts'
import type { Session } from './session.ts'

export interface HeartbeatParts {
  readonly feed: Feed
  readonly clock: Clock
  /** All sessions, from the first again with each call. */
  readonly sessions: () => Iterator<Session>
}

/** What tells every session that the feed is read, how far, and how old its newest events are. */
export class Heartbeat {
  readonly #parts: HeartbeatParts
  readonly #rounds: Rounds<Session>
  /** The positions of the last one, by the partition's number. */
  readonly #told: number[] = []

  constructor(parts: HeartbeatParts) {
    this.#parts = parts
    this.#rounds = new Rounds(parts.sessions)
  }

  /** Sends every live session one and the same, and tells those that are behind how far. */
  beat(): void {
    const { clock, feed } = this.#parts
    const now = readClock(clock)
    // Also while no events come.
    feed.window.tick(now.steadyMs)
    const positions = this.#changes()
    const message = this.#message(now)
    const level = new Map<WireForm, Block>()
    const behind = new Map<WireForm, Block>()
    this.#rounds.begin(session => {
      const { form, isLevel } = session
      const blocks = isLevel ? level : behind
      const block = blocks.get(form) ?? form.message(isLevel ? { ...message, positions } : message)
      blocks.set(form, block)
      session.notify(block)
      session.warnOfLag(now.steadyMs)
    })
  }

  /** Ends the round under way. */
  stop(): void {
    this.#rounds.stop()
  }

  /** The number and position of each partition that was read further since this was asked before. */
  #changes(): [number: number, position: number][] {
    const changes: [number, number][] = []
    for (const { number, offset } of this.#parts.feed.positions()) {
      if (this.#told[number] === offset) continue
      this.#told[number] = offset
      changes.push([number, offset])
    }
    return changes
  }

  /** Positions that changed since the last one are those of everyone who is live, for all of their items. */
  #message(now: Moment): object {
    const { tape } = this.#parts.feed
    const { wallMs, steadyMs } = now
    const ages: Partial<Record<Channel, number>> = {}
    for (const channel of channels) {
      const ageMs = steadyMs - tape.newestMs[channel]
      if (ageMs < Infinity) ages[channel] = Math.max(0, Math.round(ageMs))
    }
    return { T: 'heartbeat', t: new Date(wallMs).toISOString(), agesMs: ages, ...this.#reading(now) }
  }
  /** How much of the log is still to be read; during an outage nobody knows. */
  #reading(now: Moment): object {
    const { feed } = this.#parts
    const outage = feed.outage()
    if (outage === undefined) return { lag: feed.lag }
    const { source, since } = outageFacts(outage, now)
    return { lag: null, source, since }
  }
}
