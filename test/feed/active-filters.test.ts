import { beforeEach, expect, test } from 'vitest'
import type { Channel, Trade } from '../../src/event/event.ts'
import { ActiveFilters, type FiltersByChannel } from '../../src/feed/active-filters.ts'
import { type Filter, parseFilter } from '../../src/filter/filter.ts'

const none: FiltersByChannel = new Map()
const trade = (s: number): Trade => ({ T: 't', S: 'AAPL', p: 1, s, t: '2026-01-31T14:30:00Z' })

function filter(channel: Channel, value: unknown): Filter {
  const parsed = parseFilter(channel, value)
  if ('fault' in parsed) throw new Error(parsed.fault)
  return parsed
}

const large = (size = 100): Filter => filter('trades', { s: { gte: size } })

let nowMs: number
let filters: ActiveFilters

beforeEach(() => {
  nowMs = 0
  filters = new ActiveFilters({ maxFilters: 2, now: () => nowMs++ })
})

test('gives equal filters one object, until the last use ends', () => {
  const first = filters.exchange(none, [large()])!
  const second = filters.exchange(none, [filter('trades', { all: [{ s: { gte: 100 } }] })])!
  expect(second.get('trades')).toBe(first.get('trades'))
  expect(filters.size).toBe(1)
  filters.release(first)
  expect(filters.size).toBe(1)
  filters.release(second)
  expect(filters.size).toBe(0)
})

test('keeps equal expressions of two channels apart', () => {
  const held = filters.exchange(none, [large(), filter('cancelErrors', { s: { gte: 100 } })])!
  expect(filters.size).toBe(2)
  expect(held.get('cancelErrors')).not.toBe(held.get('trades'))
})

test('acquires none of several filters if one is too many', () => {
  filters.exchange(none, [large(1)])
  expect(filters.exchange(none, [large(2), filter('quotes', { bs: { gt: 1 } })])).toBeUndefined()
  expect(filters.size).toBe(1)
})

test('has room for equal filters when it is full', () => {
  filters.exchange(none, [large(1)])
  filters.exchange(none, [large(2)])
  expect(filters.exchange(none, [large(3)])).toBeUndefined()
  expect(filters.exchange(none, [large(2)])).toBeDefined()
})

test('has room for a filter in place of another, when it is full', () => {
  filters.exchange(none, [large(1)])
  const former = filters.exchange(none, [large(2)])!
  expect(filters.exchange(former, [large(3)])).toBeDefined()
  expect(filters.size).toBe(2)
})

test('has no room for a filter in place of one that others use, when it is full', () => {
  filters.exchange(none, [large(1)])
  const shared = filters.exchange(none, [large(1)])!
  filters.exchange(none, [large(2)])
  expect(filters.exchange(shared, [large(3)])).toBeUndefined()
  filters.release(shared)
  expect(filters.size).toBe(2)
})

test('evaluates once per event, however often it is asked', () => {
  const active = filters.exchange(none, [large()])!.get('trades')!
  const [small, big] = [trade(1), trade(100)]
  const answers = [small, small, big, big, big, small].map(event => active.accepts(event))
  expect(answers).toEqual([false, false, true, true, true, false])
  expect(filters.evaluations).toBe(3)
})

test('counts what is asked apart from the events that come in', () => {
  const active = filters.exchange(none, [large()])!.get('trades')!
  expect([active.matches(trade(99)), active.matches(trade(100))]).toEqual([false, true])
  expect(filters.evaluations).toBe(2)
})

test('estimates the time from samples, without the time that the clock takes', () => {
  const slow: Filter = {
    ...large(),
    matches: () => {
      nowMs += 5
      return true
    },
  }
  const active = filters.exchange(none, [slow])!.get('trades')!
  for (let event = 0; event < 1024; event++) active.matches(trade(1))
  // Each evaluation takes 5 ms, and to read the clock 1 ms more.
  expect(filters.seconds).toBeCloseTo(5.12, 6)
})
