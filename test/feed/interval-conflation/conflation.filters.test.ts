import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ConflationFixture } from './conflation-fixture.ts'

let fixture: ConflationFixture

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  fixture = new ConflationFixture()
})

afterEach(() => {
  vi.useRealTimers()
})

const high = { bp: { gte: 5 } }
const low = { bp: { lt: 5 } }

test('what is delivered of an item is the newest event that passes, and how many such events it replaces', () => {
  const [all, some, none] = [
    fixture.join(250, ['*']),
    fixture.join(250, { names: ['*'], where: high }),
    fixture.join(250, { names: ['*'], where: { bp: { gt: 99 } } }),
  ]
  fixture.quote({ S: 'A', bp: 5 }, { S: 'A', bp: 6 }, { S: 'A', bp: 1 }, { S: 'B', bp: 1 })
  fixture.pass(250)
  expect(all.takeShort()).toEqual(['A 2 for 3', 'B 3 for 1'])
  expect(some.takeShort()).toEqual(['A 1 for 2'])
  fixture.quote({ S: 'A', bp: 1 })
  fixture.pass(250)
  expect([all, some, none].map(({ offers }) => offers)).toEqual([2, 1, 0])
  expect(none.membership!.leave()).toEqual({ positions: [5], isComplete: true })
})

test('members with the same filter share frames, and an event is evaluated once for all intervals', () => {
  const wish = { names: ['A'], where: high }
  const [ann, bob] = [fixture.join(250, wish), fixture.join(250, { ...wish, where: { ...high } })]
  fixture.join(1000, wish)
  fixture.join(1000, { names: ['*'], where: high })
  fixture.quote({ S: 'A', bp: 5 }, { S: 'A', bp: 1 })
  fixture.pass(250)
  expect(ann.frames).toHaveLength(1)
  expect(bob.frames[0]).toBe(ann.frames[0])
  expect(fixture.filters.evaluations).toBe(2)
})

test('events of items that nobody selects with a filter are not evaluated', () => {
  fixture.join(250, { names: ['A'], where: high })
  fixture.join(250, ['*'])
  fixture.quote('B', 'C', 'A')
  expect(fixture.filters.evaluations).toBe(1)
})

test('a member takes along what it still has to get, to an interval that did not keep it', () => {
  const member = fixture.join(250, { names: ['A'], where: high })
  const other = fixture.join(1000, { names: ['A'], where: high })
  fixture.quote({ S: 'A', bp: 5 })
  // What the interval of 1000 ms keeps of A is of its former member only.
  fixture.join(1000, { names: ['B'], where: high })
  other.membership!.leave()
  fixture.quote({ S: 'A', bp: 6 }, { S: 'A', bp: 1 })
  fixture.move(member, 1000, { names: ['A', 'B'], where: high })
  fixture.pass(1000)
  expect(member.takeShort()).toEqual(['A 1 for 2'])
})

test('a member with another filter takes along nothing', () => {
  const member = fixture.join(250, { names: ['A'], where: high })
  fixture.quote({ S: 'A', bp: 5 })
  fixture.move(member, 250, { names: ['A'], where: low })
  fixture.quote({ S: 'A', bp: 2 }, { S: 'A', bp: 7 })
  fixture.pass(250)
  expect(member.takeShort()).toEqual(['A 1 for 1'])
})

test('what does not fit into an interval comes with the next one, although the item has changed since', () => {
  fixture = new ConflationFixture({ maxIntervalBytes: 1025 })
  const member = fixture.join(250, { names: ['A', 'B'], where: high })
  fixture.quote({ S: 'A', bp: 5 }, { S: 'B', bp: 6 })
  fixture.pass(250)
  expect(member.takeShort()).toEqual(['A 0 for 1'])
  fixture.quote({ S: 'B', bp: 1 }, { S: 'A', bp: 7 })
  fixture.pass(250)
  expect(member.takeShort()).toEqual(['B 1 for 1'])
  fixture.pass(250)
  expect(member.takeShort()).toEqual(['A 3 for 1'])
})

test('intervals that keep too much end early, without a loss, and then keep nothing', () => {
  fixture = new ConflationFixture({ maxKeptBytes: 10_000 })
  const symbols = Array.from({ length: 1000 }, (_, index) => `S${index}`)
  const members = [high, low].map(where => fixture.join(120_000, { names: ['*'], where }))
  const unfiltered = fixture.join(120_000, ['*'])
  for (const bp of [5, 6, 1]) {
    fixture.quote(...symbols.map(S => ({ S, bp })))
    while (fixture.turn());
  }
  expect(members.map(({ offers }) => offers > 0)).toEqual([true, true])
  expect(unfiltered.offers).toBe(0)
  fixture.pass(120_000)
  const events = members.map(member => member.take().reduce((sum, { replaces = 0 }) => sum + 1 + replaces, 0))
  expect(events).toEqual([2000, 1000])
  expect(unfiltered.take()).toHaveLength(1000)
})
