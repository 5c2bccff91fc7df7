import { isDeepStrictEqual } from 'node:util'
import { type Channel, channelOfType, type MarketEvent } from '../../../../src/event/event.ts'
import { passesNaively } from '../../../support/naive-filter.ts'

/** The lists, policies and filters of an acknowledgement. */
export class AcknowledgedSelection {
  readonly #lists: ReadonlyMap<string, ReadonlySet<string>>
  readonly #policies: Readonly<Record<string, unknown>>
  readonly #filters: Readonly<Record<string, object>>

  constructor(message: Readonly<Record<string, unknown>>) {
    this.#lists = new Map(
      Object.entries(message).flatMap(([name, symbols]) =>
        Array.isArray(symbols) ? [[name, new Set(symbols.filter(symbol => typeof symbol === 'string'))]] : [],
      ),
    )
    this.#policies = Object(message['policy'])
    this.#filters = Object(message['where'])
  }

  names(channel: string, symbol: string): boolean {
    const list = this.#lists.get(channel)
    return list !== undefined && (list.has('*') || list.has(symbol))
  }

  /** Whether an event passes the filter of its channel. */
  passes(event: MarketEvent): boolean {
    const filter = this.#filters[channelOfType[event.T]]
    return filter === undefined || passesNaively(filter, event)
  }

  /** Whether a channel has the same filter in both. */
  hasFilterOf(channel: string, other: AcknowledgedSelection): boolean {
    return isDeepStrictEqual(this.#filters[channel], other.#filters[channel])
  }

  wants(event: MarketEvent): boolean {
    const channel = channelOfType[event.T]
    const isNamed = this.names(channel, '*') || symbolsOf(event).some(symbol => this.names(channel, symbol))
    return isNamed && this.passes(event)
  }

  isConflated(channel: Channel): boolean {
    return this.#policies[channel] === 'conflate'
  }

  wantsEvery(event: MarketEvent): boolean {
    return !this.isConflated(channelOfType[event.T]) && this.wants(event)
  }
}

export function symbolsOf(event: MarketEvent): readonly string[] {
  return event.T === 'n' ? event.symbols : [event.S]
}

/** Each event of a test has a serial number of its own. */
export function serialOf(event: MarketEvent): number {
  if (event.T === 'n') return Number(event.id)
  return event.T === 'q' ? event.bp : Number('i' in event ? event.i : 0)
}

/** The channel of an item such as `trades/A`. */
export function channelOf(item: string): string {
  return item.split('/')[0] ?? ''
}

/** `trades/A`; news has no item of its own. */
export function itemOf(event: MarketEvent): string {
  return `${channelOfType[event.T]}/${event.T === 'n' ? '' : event.S}`
}
