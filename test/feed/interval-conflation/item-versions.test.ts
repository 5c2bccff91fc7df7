import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ItemVersions } from '../../../src/feed/interval-conflation/item-versions.ts'

const item = fc.nat(4)
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('mark' as const), item }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('join' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), item }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
)

test('knows how many events an item had since any moment, as a list of all would', () => {
  const property = fc.property(fc.array(step, { maxLength: 120, size: 'max' }), steps => {
    const counts = new ItemVersions()
    let log: number[] = []
    let moments: { readonly moment: number; readonly at: number }[] = []
    for (const one of steps) {
      if (one.kind === 'mark') {
        counts.mark(one.item)
        log.push(one.item)
      } else if (one.kind === 'join') moments.push({ moment: counts.now(), at: log.length })
      else if (one.kind === 'forget') {
        counts.forget(one.item)
        log = log.map(each => (each === one.item ? -1 : each))
      } else {
        counts.clear()
        log = []
        moments = []
      }
      for (let each = 0; each < 5; each++) {
        const since = (at: number): number => log.slice(at).filter(marked => marked === each).length
        expect(counts.of(each)).toBe(since(0))
        for (const { moment, at } of moments) expect(counts.since(each, moment)).toBe(since(at))
      }
    }
  })
  fc.assert(property, { numRuns: 300 })
})

// Cause: once a member had joined within it, an interval kept a journal of all its events.
// Symptom: 4.8 MB at 10,000 events a second and 120 s, walked whole with each subscribe and unsubscribe, for
// up to a second.
// Seen: reading; then counting.
test('a million events, with a member that joins now and then, are kept as counts', () => {
  const counts = new ItemVersions()
  for (let event = 0; event < 1_000_000; event++) {
    if (event % 100_000 === 50) counts.now()
    counts.mark(event % 1000)
  }
  expect([counts.changed.count, counts.pastCount]).toEqual([1000, 10_000])
  expect(counts.since(7, 10)).toBe(99)
})

test('many members that join, each at a moment of its own, fill it: the interval should end', () => {
  const counts = new ItemVersions()
  let events = 0
  while (!counts.isFull) {
    if (events % 100 === 0) counts.now()
    counts.mark(events++ % 100)
  }
  expect(counts.pastCount).toBe(262_144)
  counts.clear()
  expect([counts.isFull, counts.pastCount, counts.now()]).toEqual([false, 0, 0])
})
