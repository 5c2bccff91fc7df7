import type { MarketEvent } from './event.ts'
import { FastEventParser } from './fast-event-parser.ts'

/** Parses encoded events of this node again: they were checked when they came in. */
export class CheckedEventParser {
  readonly #fast = new FastEventParser()

  parse(json: Buffer): MarketEvent {
    const parsed = this.#fast.parse(json)
    if (parsed !== undefined) return parsed
    const event = JSON.parse(json.toString('utf8')) as MarketEvent
    this.#fast.learn(event)
    return event
  }
}
