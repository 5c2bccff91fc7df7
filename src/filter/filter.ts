import type { Channel, MarketEvent } from '../event/event.ts'
import { canonical, expressionJson } from './expression.ts'
import { ExpressionParser, FilterFault } from './parse-expression.ts'
import { predicateOf } from './predicate.ts'

/** What a client wants of the events of one channel (PROTOCOL.md on filters). Immutable. */
export interface Filter {
  readonly channel: Channel
  /** The channel and the canonical form: equal for equal filters. */
  readonly key: string
  /** The canonical form, which acknowledgements state. */
  readonly expression: object
  /** Whether an event of the channel passes. */
  matches(event: MarketEvent): boolean
}

/** Every distinct filter is kept with its text, and acknowledgements repeat it. */
export const maxFilterLength = 4096

/**
 * Reads the filter of a channel. A fault names the place, the value and the rule, such as
 * `trades.s.gte="x": expected a finite number`.
 */
export function parseFilter(channel: Channel, value: unknown): Filter | { readonly fault: string } {
  try {
    const expression = canonical(new ExpressionParser(channel).parse(value))
    const json = expressionJson(expression)
    const text = JSON.stringify(json)
    if (text.length > maxFilterLength) {
      const fault = `${channel}: the filter has ${text.length} characters; at most ${maxFilterLength}`
      return { fault }
    }
    return { channel, key: `${channel}:${text}`, expression: json, matches: predicateOf(expression) }
  } catch (thrown) {
    if (thrown instanceof FilterFault) return { fault: thrown.message }
    throw thrown
  }
}
