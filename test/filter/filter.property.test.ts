import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type Channel, channelOfType, channels, type MarketEvent } from '../../src/event/event.ts'
import { type Filter, parseFilter } from '../../src/filter/filter.ts'
import { anyFilter } from '../support/any-filter.ts'
import { passesNaively } from '../support/naive-filter.ts'
import { generateTape, readTape, sharedTapePath } from '../support/tape.ts'

const generated = generateTape({ seed: 15, events: 20_000 })
let recorded: readonly MarketEvent[] = generated

beforeAll(async () => {
  const path = sharedTapePath()
  if (path !== undefined) recorded = await Array.fromAsync(readTape(path))
})

/** Events of a channel from all over a tape. */
function sample(tape: readonly MarketEvent[], channel: Channel, count: number): readonly MarketEvent[] {
  const own = tape.filter(({ T }) => channelOfType[T] === channel)
  const step = Math.max(1, Math.floor(own.length / count))
  return own.filter((_, index) => index % step === 0)
}

function parse(channel: Channel, value: unknown): Filter {
  const parsed = parseFilter(channel, value)
  if (!('fault' in parsed)) return parsed
  // The only rule that an arbitrary filter may break.
  expect(parsed.fault).toMatch(/nested too deeply|is too large/)
  return fc.pre(false) as never
}

/** Says the same in other words. */
function reworded(filter: object): object {
  const parts = Object.entries(filter)
    .toReversed()
    .map(([name, content]) => {
      if (name === 'all' || name === 'any') {
        const inner = [...(content as object[]), ...(content as object[])].toReversed().map(reworded)
        return { [name]: inner }
      }
      if (name === 'not') return { not: reworded(content as object) }
      return { [name]: Object.fromEntries(Object.entries(content as object).toReversed()) }
    })
  return { all: parts }
}

/** Compares with the naive evaluator. Returns how many events passed. */
function compare(channel: Channel, events: readonly MarketEvent[], numRuns: number): number {
  let passed = 0
  fc.assert(
    fc.property(anyFilter(channel, events.slice(0, 200)), value => {
      const filter = parse(channel, value)
      for (const event of events) {
        const expected = passesNaively(value, event)
        if (expected) passed++
        if (filter.matches(event) !== expected || passesNaively(filter.expression, event) !== expected)
          expect.fail(`${JSON.stringify(event)} passes ${filter.key}: expected ${expected}`)
      }
    }),
    { numRuns },
  )
  return passed
}

test.each(['trades', 'quotes'] as const)(
  'agrees with the naive evaluator on the recorded %s',
  channel => {
    expect(compare(channel, sample(recorded, channel, 400), 300)).toBeGreaterThan(0)
  },
  120_000,
)

test.each(channels)(
  'agrees with the naive evaluator on generated %s',
  channel => {
    expect(compare(channel, sample(generated, channel, 200), 100)).toBeGreaterThan(0)
  },
  60_000,
)

test.each(channels)('brings filters of %s into a form that is its own canonical form', channel => {
  fc.assert(
    fc.property(anyFilter(channel, sample(generated, channel, 50)), value => {
      const filter = parse(channel, value)
      const again = parseFilter(channel, JSON.parse(JSON.stringify(filter.expression)))
      expect(again).toMatchObject({ key: filter.key, expression: filter.expression })
    }),
    { numRuns: 300 },
  )
})

test('gives filters that say the same in other words one key', () => {
  const arbitrary = anyFilter('trades', sample(generated, 'trades', 50))
  fc.assert(
    fc.property(arbitrary, value => {
      expect(parse('trades', reworded(value)).key).toBe(parse('trades', value).key)
    }),
    { numRuns: 300 },
  )
})

test.each([
  [{ not: { not: { s: { gt: 1 } } } }, { s: { gt: 1 } }],
  [{ not: { x: { eq: 'V' } } }, { x: { ne: 'V' } }],
  [{ not: { x: { ne: 'V' } } }, { x: { eq: 'V' } }],
  [{ not: { c: { has: 'I' } } }, { c: { hasNone: ['I'] } }],
  [{ not: { c: { hasNone: ['I'] } } }, { c: { has: 'I' } }],
  [{ not: { c: { hasAny: ['T', 'I'] } } }, { c: { hasNone: ['I', 'T'] } }],
  [{ x: { in: ['V', 'Q', 'V'] } }, { x: { in: ['Q', 'V'] } }],
  [{ s: { in: [100, 20, 3] } }, { s: { in: [3, 20, 100] } }],
  [{ x: { in: ['V'] } }, { x: { eq: 'V' } }],
  [{ c: { hasAny: ['I', 'I'] } }, { c: { has: 'I' } }],
  [{ s: { lt: 5, gte: 1 } }, { all: [{ s: { gte: 1 } }, { s: { lt: 5 } }] }],
  [{ x: { eq: 'V' }, s: { gt: 1 } }, { all: [{ s: { gt: 1 } }, { x: { eq: 'V' } }] }],
  [{ all: [{ all: [{ s: { gt: 1 } }] }, { s: { gt: 1 } }] }, { s: { gt: 1 } }],
  [{ any: [{ any: [{ s: { gt: 2 } }] }, { s: { gt: 1 } }] }, { any: [{ s: { gt: 1 } }, { s: { gt: 2 } }] }],
  [{ s: { gt: -0 } }, { s: { gt: 0 } }],
])('states %j as %j', (value, canonical) => {
  expect(parse('trades', value).expression).toEqual(canonical)
})
