import type { MarketEvent } from '../event/event.ts'
import { difference, middle, product } from './exact-decimals.ts'

/** A number that is computed from the fields of an event. */
export interface DerivedField {
  readonly name: string
  /** The fields that it is computed from: it exists where the channel has them. */
  readonly from: readonly string[]
  /** Returns the number; `undefined` if the event has none. */
  readonly read: (event: MarketEvent) => number | undefined
}

export const derivedFields: readonly DerivedField[] = [
  derivedField('notional', ['p', 's'], event =>
    event.T === 't' || event.T === 'x' ? product(event.p, event.s) : undefined,
  ),
  derivedField('spread', ['bp', 'ap'], event => {
    if (event.T !== 'q' || isOneSided(event)) return undefined
    return difference(event.ap, event.bp)
  }),
  derivedField('mid', ['bp', 'ap'], event => {
    if (event.T !== 'q' || isOneSided(event)) return undefined
    return middle(event.ap, event.bp)
  }),
]

/** A side without orders has the price 0. */
function isOneSided({ ap, bp }: { readonly ap: number; readonly bp: number }): boolean {
  return ap === 0 || bp === 0
}

function derivedField(
  name: string,
  from: readonly string[],
  compute: (event: MarketEvent) => number | undefined,
): DerivedField {
  // However many filters ask, an event's value is computed once.
  let last: MarketEvent | undefined
  let value: number | undefined
  const read = (event: MarketEvent): number | undefined => {
    if (event === last) return value
    last = event
    value = compute(event)
    return value
  }
  return { name, from, read }
}
