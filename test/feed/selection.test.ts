import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Channel, channels } from '../../src/event/event.ts'
import { ActiveFilters } from '../../src/feed/active-filters.ts'
import { Selection } from '../../src/feed/selection.ts'
import { type Filter, parseFilter } from '../../src/filter/filter.ts'
import { anySymbol } from '../support/any-symbol.ts'

const symbols = fc.oneof(fc.constant('*' as const), fc.uniqueArray(anySymbol, { minLength: 1, maxLength: 3 }))
const channel = fc.constantFrom<Channel>(...channels.slice(0, 3))
const anyInterest = fc.uniqueArray(fc.tuple(channel, symbols), { selector: ([name]) => name })

type Entry = [Channel, '*' | readonly string[]]

function interestOf(entries: readonly Entry[]): Selection {
  return new Selection(
    new Map(entries.map(([name, names]) => [name, names === '*' ? names : new Set(names)])),
  )
}

// Cause: keys had `:` and `;` between channels and symbols and `=` for "the same", which symbols may have in
// them by now.
// Symptom: sessions with different subscriptions would share an audience, and receive each other's events.
// Seen: when the alphabet of symbols was widened (issue 13).
test.each<{ one: Entry[]; other: Entry[] }>([
  {
    one: [['trades', ['A;quotes:B']]],
    other: [
      ['trades', ['A']],
      ['quotes', ['B']],
    ],
  },
  {
    one: [
      ['trades', ['A']],
      ['quotes', ['A']],
    ],
    other: [
      ['trades', ['A']],
      ['quotes', ['=']],
    ],
  },
])('$one and $other have different keys', ({ one, other }) => {
  expect(interestOf(one).key).not.toBe(interestOf(other).key)
})

test('equal selections have equal keys, and others have not', () => {
  const canonical = (entries: readonly Entry[]): string =>
    JSON.stringify(
      entries
        .map(([name, names]) => JSON.stringify([name, names === '*' ? names : names.toSorted()]))
        .toSorted(),
    )
  fc.assert(
    fc.property(anyInterest, anyInterest, (one, other) => {
      const turned = one
        .toReversed()
        .map(([name, names]): Entry => [name, names === '*' ? names : names.toReversed()])
      expect(interestOf(turned).key).toBe(interestOf(one).key)
      expect(interestOf(one).key === interestOf(other).key).toBe(canonical(one) === canonical(other))
    }),
    { numRuns: 3000 },
  )
})

const filterTexts = [undefined, { s: { gte: 100 } }, { s: { lt: 100 } }] as const

test('a filter is part of the key, and says what is within what', () => {
  const active = new ActiveFilters({ maxFilters: 10 })
  const tradesWith = (where: object | undefined): Selection => {
    const filter = where === undefined ? [] : [parseFilter('trades', where) as Filter]
    const filters = active.exchange(new Map(), filter)
    if (typeof filters === 'string') throw new Error(`too many filters of the ${filters}`)
    return new Selection(new Map([['trades', '*']]), filters)
  }
  const selections = filterTexts.map(tradesWith)
  expect(new Set(selections.map(({ key }) => key)).size).toBe(selections.length)
  expect(tradesWith({ all: [{ s: { gte: 100 } }] }).key).toBe(selections[1]!.key)
  const within = selections.map(one => selections.map(other => one.isWithin(other)))
  expect(within).toEqual([
    [true, false, false],
    [true, true, false],
    [true, false, true],
  ])
  const trade = { T: 't', S: 'A', p: 1, s: 100, t: '2026-01-02T14:30:00Z' } as const
  expect(selections.map(each => each.wants(trade))).toEqual([true, true, false])
  expect(selections[1]!.restrictedTo(each => each === 'quotes')).toBe(Selection.none)
})
