import fc from 'fast-check'
import { expect, test } from 'vitest'
import { channels } from '../../src/event/event.ts'
import { maxFilterLength, parseFilter } from '../../src/filter/filter.ts'
import { anyFilter } from '../support/any-filter.ts'
import { generateTape } from '../support/tape.ts'

const events = generateTape({ seed: 4, events: 300 })

const words =
  'all any not s p c i x S t spread notional symbols headline eq ne gt gte lt lte in has hasAny hasNone ' +
  '__proto__ constructor toString length'
const names = fc.constantFrom(...words.split(' '), '', 'x'.repeat(500))
const leaves = fc.oneof(
  fc.constantFrom<unknown>(0, -0, 1e308, 5e-324, 2 ** 53, null, true, '', 'AAPL', '\ud800', [], {}),
  fc.array(fc.constantFrom('I', '@', 'A'.repeat(300)), { maxLength: 40 }),
  fc.jsonValue({ maxDepth: 2 }),
)
const { tree } = fc.letrec<{ tree: unknown }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 7 },
    leaves,
    anyFilter('trades', events),
    fc.array(tie('tree'), { maxLength: 8 }),
    fc.array(fc.tuple(names, tie('tree')), { maxLength: 6 }).map(members => fromMembers(members)),
  ),
}))

/** Own members of any name, as `JSON.parse` makes them, `__proto__` included. */
function fromMembers(members: readonly (readonly [string, unknown])[]): unknown {
  const texts = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  return JSON.parse(`{${texts.join()}}`)
}

test('whatever is stated is a filter within the limits, or a fault that names its place in a few words', () => {
  let filters = 0
  fc.assert(
    fc.property(fc.constantFrom('trades' as const, ...channels), tree, (channel, value) => {
      const parsed = parseFilter(channel, value)
      if ('fault' in parsed) {
        expect(parsed.fault.startsWith(channel)).toBe(true)
        expect(parsed.fault.length).toBeLessThan(500)
        expect(parsed.fault.isWellFormed()).toBe(true)
        return
      }
      filters++
      expect(parsed.key.length).toBeLessThanOrEqual(channel.length + 1 + maxFilterLength)
      for (const event of events) expect(parsed.matches(event)).toBeTypeOf('boolean')
    }),
    { numRuns: 5000 },
  )
  expect(filters).toBeGreaterThan(0)
})

test('a deeply nested value is refused at once', () => {
  let value: object = { s: { gt: 1 } }
  for (let depth = 0; depth < 30_000; depth++) value = { not: value }
  expect(parseFilter('trades', value)).toEqual({
    fault: 'trades.not.not.not.not.not: nested too deeply; at most 4 levels',
  })
})
