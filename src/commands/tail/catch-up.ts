import { type Channel, channelOfType } from '../../event/event.ts'
import { describeCount } from '../quantity.ts'
import type { ServerMessage } from './server-message.ts'

/**
 * Counts what a resume passed over (`PROTOCOL.md` §8): of channels with the policy `conflate` the current values stand for what came
 * meanwhile.
 */
export class CatchUp {
  readonly #channels: readonly Channel[]
  /** Those that are conflated, while a resume is under way. */
  #conflated: readonly Channel[] | undefined
  #offsets = 0
  #events = 0

  /** Of these channels. */
  constructor(channels: readonly Channel[]) {
    this.#channels = channels
  }

  /** Takes the messages of a frame; a line for people once a resume is over that has passed something over. */
  take(messages: readonly ServerMessage[]): string | undefined {
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

  #begin({ policy }: ServerMessage): void {
    const policies = new Map<string, unknown>(typeof policy === 'object' ? Object.entries(policy ?? {}) : [])
    this.#conflated = this.#channels.filter(channel => policies.get(channel) === 'conflate')
    this.#offsets = 0
    this.#events = 0
  }

  #end(conflated: readonly Channel[]): string | undefined {
    this.#conflated = undefined
    const replaced = this.#offsets - this.#events
    if (conflated.length === 0 || replaced <= 0) return undefined
    return `of ${conflated.join(', ')} the current values stand for up to ${describeCount(replaced, 'event')} that came meanwhile; --policy every prints each`
  }
}

function offsetsOf({ ranges }: ServerMessage): number {
  let count = 0
  for (const range of Array.isArray(ranges) ? ranges : []) {
    const [, from, to]: unknown[] = Array.isArray(range) ? range : []
    if (typeof from === 'number' && typeof to === 'number') count += to - from
  }
  return count
}
