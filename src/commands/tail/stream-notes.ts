import { type Channel, channelOfType } from '../../event/event.ts'
import type { StreamMessage } from './stream-message.ts'
import { describeCount, describeDuration } from '../command-line.ts'

/**
 * Counts the events that a resume skipped (`PROTOCOL.md` §8): on channels with the policy `conflate` the
 * current values stand for the events that came meanwhile.
 */
export class ResumeSummary {
  readonly #channels: readonly Channel[]
  /** The conflated channels, while a resume is under way. */
  #conflated: readonly Channel[] | undefined
  #offsets = 0
  #events = 0

  /** For these channels. */
  constructor(channels: readonly Channel[]) {
    this.#channels = channels
  }

  /** Processes the messages of a frame. Returns a note at the end of a resume that has skipped events. */
  handle(messages: readonly StreamMessage[]): string | undefined {
    let line: string | undefined
    for (const message of messages) {
      if (message.T === 'subscription' && typeof message['recovered'] === 'boolean') this.#begin(message)
      if (this.#conflated === undefined) continue
      if (Object.hasOwn(channelOfType, message.T)) this.#events += 1
      if (message.T === 'coverage') this.#offsets += offsetsOf(message)
      if (message.T === 'resumed') line = this.#end(this.#conflated)
    }
    return line
  }

  #begin({ policy }: StreamMessage): void {
    const policies = new Map<string, unknown>(typeof policy === 'object' ? Object.entries(policy ?? {}) : [])
    this.#conflated = this.#channels.filter(channel => policies.get(channel) === 'conflate')
    this.#offsets = 0
    this.#events = 0
  }

  #end(conflated: readonly Channel[]): string | undefined {
    this.#conflated = undefined
    const replaced = this.#offsets - this.#events
    if (conflated.length === 0 || replaced <= 0) return undefined
    return (
      `of ${conflated.join(', ')} the current values stand for up to ${describeCount(replaced, 'event')} ` +
      'that came meanwhile; --policy every prints each'
    )
  }
}

function offsetsOf({ ranges }: StreamMessage): number {
  let count = 0
  for (const range of Array.isArray(ranges) ? ranges : []) {
    const [, from, to]: unknown[] = Array.isArray(range) ? range : []
    if (typeof from === 'number' && typeof to === 'number') count += to - from
  }
  return count
}

const idleMs = 10_000

/** Notes periodically that a stream without events is alive. */
export class IdleNote {
  readonly #channels: readonly Channel[]
  #sinceMs: number
  #notedMs: number

  /** For these channels, from now on. */
  constructor(channels: readonly Channel[], nowMs: number) {
    this.#channels = channels
    this.#sinceMs = nowMs
    this.#notedMs = nowMs
  }

  /** Records an event. */
  recordEvent(nowMs: number): void {
    this.#sinceMs = nowMs
    this.#notedMs = nowMs
  }

  /** Records a heartbeat. Returns a note after ten seconds without an event or a note. */
  recordHeartbeat({ agesMs, lag, source, since }: StreamMessage, nowMs: number): string | undefined {
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
