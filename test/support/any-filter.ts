import fc from 'fast-check'
import { type Channel, channelOfType, type MarketEvent } from '../../src/event/event.ts'
import { type FilterField, filterFields } from '../../src/filter/filter-fields.ts'

const orders = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte'] as const
/** Values that events seldom have. */
const others = ['', 'ZZ', 'constructor', 0, 0.01, 100, 1e9, -1]

/**
 * Any filter of a channel, with values that its events have, so that it passes some and refuses others; a few
 * are nested more deeply than is allowed.
 */
export function anyFilter(channel: Channel, events: readonly MarketEvent[]): fc.Arbitrary<object> {
  const own = events.filter(({ T }) => channelOfType[T] === channel)
  const fields = [...filterFields(channel).values()].map(field => comparisonsOf(field, own))
  const comparisons = fc.oneof(...fields)
  const side = fc.array(comparisons, { minLength: 1, maxLength: 2 }).map(parts => Object.assign({}, ...parts))
  const { filter } = fc.letrec<{ filter: object; junction: object }>(tie => ({
    filter: fc.oneof(
      { depthSize: 'small', withCrossShrink: true, maxDepth: 2 },
      { weight: 3, arbitrary: side },
      { weight: 4, arbitrary: tie('junction') },
    ),
    junction: fc.oneof(
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map(all => ({ all })),
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map(any => ({ any })),
      tie('filter').map(not => ({ not })),
    ),
  }))
  return filter
}

/** Comparisons of one field, by one operator or two. */
function comparisonsOf(field: FilterField, events: readonly MarketEvent[]): fc.Arbitrary<object> {
  const found = events.flatMap(event => [field.read(event)].flat())
  const values = [...new Set([...found, ...others])].filter(value => field.parse(value) !== undefined)
  const value = fc.constantFrom(...values)
  const list = fc.array(value, { minLength: 1, maxLength: 4 })
  const tests =
    field.type === 'list'
      ? [value.map(has => ({ has })), list.map(hasAny => ({ hasAny })), list.map(hasNone => ({ hasNone }))]
      : [comparison(field, value), list.map(among => ({ in: among }))]
  return fc
    .array(fc.oneof(...tests), { minLength: 1, maxLength: 2 })
    .map(parts => ({ [field.name]: Object.assign({}, ...parts) }))
}

function comparison({ type }: FilterField, value: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const operators = fc.constantFrom(...(type === 'id' ? (['eq', 'ne'] as const) : orders))
  return fc.tuple(operators, value).map(([operator, operand]) => ({ [operator]: operand }))
}
