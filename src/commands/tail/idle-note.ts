import type { Channel } from '../../event/event.ts'
import { describeDuration } from '../quantity.ts'
import type { ServerMessage } from './server-message.ts'

const idleMs = 10_000

/** Tells, now and then, that a stream without events is alive. */
export class IdleNote {
  readonly #channels: readonly Channel[]
  #sinceMs: number
  #notedMs: number

  /** Of these channels, from now on. */
  constructor(channels: readonly Channel[], nowMs: number) {
    this.#channels = channels
    this.#sinceMs = nowMs
    this.#notedMs = nowMs
  }

  /** An event came. */
  event(nowMs: number): void {
    this.#sinceMs = nowMs
    this.#notedMs = nowMs
  }

  /** A heartbeat came: a note after ten seconds without an event or a note, else `undefined`. */
  heartbeat({ agesMs, lag, source, since }: ServerMessage, nowMs: number): string | undefined {
    if (nowMs - this.#notedMs < idleMs) return undefined
    this.#notedMs = nowMs
    const parts = [`nothing for ${describeDuration(nowMs - this.#sinceMs)}; the gateway answers`]
    const newest = this.#newest(agesMs)
    parts.push(
      newest === undefined
        ? 'it knows of no event on these channels'
        : `its newest ${newest.channel} event is from ${describeDuration(newest.ageMs)} ago`,
    )
    if (typeof source === 'string') parts.push(`it cannot read the log (${source}) since ${String(since)}`)
    if (typeof lag === 'number' && lag > 0) parts.push(`it has ${lag} records of the log still to read`)
    return parts.join('; ')
  }

  #newest(agesMs: unknown): { readonly channel: Channel; readonly ageMs: number } | undefined {
    if (typeof agesMs !== 'object' || agesMs === null) return undefined
    const ages = new Map<string, unknown>(Object.entries(agesMs))
    let newest: { channel: Channel; ageMs: number } | undefined
    for (const channel of this.#channels) {
      const ageMs = ages.get(channel)
      if (typeof ageMs !== 'number' || (newest !== undefined && ageMs >= newest.ageMs)) continue
      newest = { channel, ageMs }
    }
    return newest
  }
}
