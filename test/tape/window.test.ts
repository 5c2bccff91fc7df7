import { describe, expect, test } from 'vitest'
import { Excerpt } from '../../src/tape/excerpt.ts'
import { readEvents } from '../../src/tape/read-events.ts'
import type { Wanted } from '../../src/tape/wanted.ts'
import { Window } from '../../src/tape/window.ts'
import { append, type StatedEvent } from './batch.ts'
import { contentsOf } from './window-model.ts'

const limits = { maxBytes: 65_000, maxEvents: 500, maxSteps: 50_000 }
const everything: Wanted = () => true
const minuteMs = 60_000

function open({ maxBytes = 100_000_000, maxAgeMs = 15 * minuteMs, offset = 0 } = {}) {
  const window = new Window({ maxBytes, maxAgeMs })
  window.tick(1_000_000)
  return { window, partition: window.open(0, offset) }
}

/** One event after another from an offset, their items in turn. */
function run(from: number, count: number, { items = 1, text = 'x'.repeat(120) } = {}): StatedEvent[] {
  return Array.from({ length: count }, (_, index) => ({ offset: from + index, text, items: [index % items] }))
}

function read(partition: ReturnType<Window['open']>, from: number, wanted: Wanted = everything) {
  const excerpt = new Excerpt(limits)
  const answer = readEvents(partition, { from, wanted, excerpt })
  return {
    answer,
    texts: contentsOf(excerpt).map(({ text }) => text),
    steps: limits.maxSteps - excerpt.steps,
  }
}

describe('Window', () => {
  test('that is empty has everything up to its beginning, and nothing after it', () => {
    const { window, partition } = open({ offset: 7 })

    expect(read(partition, 7)).toMatchObject({ answer: { kind: 'read', to: 7 }, texts: [] })
    expect(read(partition, 6).answer).toEqual({ kind: 'lost', from: 6, to: 7 })
    expect(read(partition, 8).answer).toEqual({ kind: 'ahead', to: 7 })
    expect([window.counts.bytes, window.oldestMs]).toEqual([0, undefined])
  })

  test('passes over offsets that are no events', () => {
    const { partition } = open()
    append(partition, run(3, 1))
    partition.advance(20)

    expect([partition.from, partition.to]).toEqual([0, 20])
    expect(read(partition, 2)).toMatchObject({ answer: { to: 20 }, texts: [{}] })
    expect(read(partition, 4)).toMatchObject({ answer: { to: 20 }, texts: [] })
  })

  test('begins anew after a gap, and says to readers before it what they missed', () => {
    const { window, partition } = open()
    append(partition, run(0, 3))
    partition.begin(10)

    expect(read(partition, 1).answer).toEqual({ kind: 'lost', from: 1, to: 10 })
    expect(window.counts).toMatchObject({ segments: 0, bytes: 0, events: 0, dropped: { restart: 3 } })
  })

  test('takes nothing that lies before what it has', () => {
    const { partition } = open()
    append(partition, run(0, 3))

    expect(() => append(partition, run(2, 1))).toThrow(/offset 2 after 3: expected another number/)
    expect(() => partition.advance(2)).toThrow(RangeError)
    expect(() => partition.begin(2)).toThrow(RangeError)
    expect(read(partition, 0)).toMatchObject({ answer: { to: 3 }, texts: [{}, {}, {}] })
  })

  test('keeps an event that is larger than a segment, and gives it alone', () => {
    const { window, partition } = open()
    const huge = 'y'.repeat(1_000_000)
    append(partition, run(0, 1))
    append(partition, [{ offset: 1, text: huge, items: [0] }])
    append(partition, run(2, 2))

    expect(read(partition, 0)).toMatchObject({ answer: { to: 1 }, texts: [{}] })
    expect(read(partition, 1)).toMatchObject({ answer: { to: 2 }, texts: [huge] })
    expect(read(partition, 2, new Set([0]))).toMatchObject({ answer: { to: 4 }, texts: [{}, {}] })
    expect(window.counts.segments).toBe(3)
  })

  test('does not keep an event that is larger than everything it may keep, and says so', () => {
    const { window, partition } = open({ maxBytes: 50_000 })
    append(partition, run(0, 1))
    append(partition, [{ offset: 1, text: 'y'.repeat(50_000), items: [0] }])

    expect(window.counts).toMatchObject({ segments: 0, bytes: 0, events: 0, dropped: { bytes: 2 } })
    expect(read(partition, 0).answer).toEqual({ kind: 'lost', from: 0, to: 2 })
    append(partition, run(2, 1))
    expect(read(partition, 2).texts).toHaveLength(1)
  })

  test('takes an event of more items than its segments usually have rows', () => {
    const { partition } = open()
    const many = Array.from({ length: 1000 }, (_, item) => item + 1)
    append(partition, [{ offset: 0, text: 'a', items: [0, ...many] }])
    append(partition, run(1, 1))

    expect(read(partition, 0, new Set([1000])).texts).toEqual(['a'])
    expect(read(partition, 0, new Set(many)).texts).toEqual(['a'])
    expect(read(partition, 0)).toMatchObject({ answer: { to: 2 }, texts: ['a', {}] })
  })

  test('drops the oldest segments of all partitions first, whole, when bytes are short', () => {
    const { window, partition } = open({ maxBytes: 1_000_000 })
    const other = window.open(1, 0)
    append(other, run(0, 10))
    append(partition, run(0, 20_000))

    expect(window.counts.bytes).toBeLessThanOrEqual(1_000_000)
    expect([other.from, other.to]).toEqual([10, 10])
    expect(partition.from).toBeGreaterThan(10_000)
    expect(window.counts.events + window.counts.dropped.bytes).toBe(20_010)
    expect(read(partition, partition.from - 1).answer.kind).toBe('lost')
  })

  test('keeps an event as long as it is told, and an eighth more at most, also where few come', () => {
    const { window, partition } = open({ maxAgeMs: 8 * minuteMs })
    for (let minute = 0; minute < 30; minute++) {
      window.tick(1_000_000 + minute * minuteMs)
      append(partition, run(minute, 1))

      const kept = minute - partition.from
      expect(kept).toBe(Math.min(minute, 7))
    }
    expect(window.oldestMs).toBe(1_000_000 + 22 * minuteMs)
    window.tick(1_000_000 + 100 * minuteMs)
    expect([partition.from, partition.to, window.counts.segments]).toEqual([30, 30, 0])
  })

  test('goes on where the clock is set back', () => {
    const { window, partition } = open({ maxAgeMs: minuteMs })
    append(partition, run(0, 1))
    window.tick(0)
    append(partition, run(1, 1))

    expect(read(partition, 0).texts).toHaveLength(2)
    window.tick(1_000_000 + minuteMs)
    expect(partition.from).toBe(2)
  })

  test('takes little for partitions of few events', () => {
    const { window } = open()
    for (let number = 0; number < 300; number++) append(window.open(number, 0), run(0, 3))

    expect(window.counts.bytes / 300).toBeLessThan(21_000)
  })

  test('forgets a partition and what it took', () => {
    const { window, partition } = open()
    append(partition, run(0, 300))
    window.forget(0)
    window.forget(99)

    expect(window.at(0)).toBeUndefined()
    expect(window.counts).toMatchObject({ segments: 0, bytes: 0, events: 0, dropped: { restart: 300 } })
  })

  test('lets go of items with their last event, and takes them up again', () => {
    const { partition } = open({ maxBytes: 500_000 })
    append(partition, [{ offset: 0, text: 'once', items: [1234] }])
    append(partition, run(1, 10_000, { items: 3 }))
    expect([partition.recent.size, partition.recent.slotCount]).toEqual([3, 4])

    append(partition, [{ offset: 10_001, text: 'again', items: [1234] }])
    expect([partition.recent.size, partition.recent.slotCount]).toEqual([4, 4])
    expect(read(partition, partition.from, new Set([1234])).texts).toEqual(['again'])
  })
})

describe('readEvents', () => {
  test('finds a rare item among many events without looking at them', () => {
    const { partition } = open()
    append(partition, run(0, 1))
    append(partition, [{ offset: 1, text: 'rare', items: [7] }])
    append(partition, run(2, 100_000))
    append(partition, [{ offset: 100_002, text: 'rarest', items: [8] }])

    expect(read(partition, 0, new Set([7, 8]))).toMatchObject({
      answer: { to: 100_003 },
      texts: ['rare', 'rarest'],
    })
    expect(read(partition, 0, new Set([7, 8])).steps).toBeLessThan(400)
  })

  test('finds the first wanted event of a busy item with a step for each segment', () => {
    const { partition } = open()
    append(partition, run(0, 100_000, { items: 4 }))

    const { answer, steps } = read(partition, 0, new Set([0]))
    expect(answer).toEqual({ kind: 'read', to: 4 * 500 - 4 + 4 })
    expect(steps).toBeLessThan(3000)
  })

  test('does no more work than it may, and goes on where it stopped', () => {
    const { partition } = open()
    append(partition, run(0, 120_000))
    const nothing = (item: number) => item === 5

    expect(read(partition, 0, nothing)).toMatchObject({ answer: { to: 50_000 }, texts: [], steps: 50_000 })
    expect(read(partition, 100_000, nothing).answer).toEqual({ kind: 'read', to: 120_000 })
  })

  test('spends half of its work at most on chains that it then does not follow', () => {
    const { partition } = open()
    append(partition, run(0, 300))
    const later = run(300, 100_000)
    append(
      partition,
      later.map((event, index) => ({ ...event, items: [1 + (index % 2000)] })),
    )
    const many = new Set(Array.from({ length: 400 }, (_, index) => index * 5 + 1))
    const excerpt = new Excerpt({ ...limits, maxBytes: 10_000_000, maxEvents: 100_000 })

    readEvents(partition, { from: 0, wanted: many, excerpt })
    expect(excerpt.count).toBeGreaterThan(4000)
  })

  test('looks at the rows where more items are wanted than there are rows', () => {
    const { partition } = open()
    append(partition, run(0, 2000, { items: 2000 }))
    const many = new Set(Array.from({ length: 20_000 }, (_, item) => item * 10))

    const { texts, steps } = read(partition, 0, many)
    expect(texts).toHaveLength(200)
    expect(steps).toBe(2000)
  })

  test('gives an article once, whichever of its items are wanted, by rows and by chains', () => {
    const { partition } = open()
    append(partition, run(0, 1))
    append(partition, [{ offset: 1, text: 'article', items: [5, 6, 7] }])
    append(partition, run(2, 20_000))
    append(partition, [{ offset: 20_002, text: 'another', items: [7, 5] }])

    for (const wanted of [new Set([5]), new Set([6, 7]), new Set([5, 6, 7]), (item: number) => item > 4]) {
      expect(read(partition, 0, wanted).texts).toEqual(
        wanted instanceof Set && !wanted.has(5) && !wanted.has(7) ? ['article'] : ['article', 'another'],
      )
    }
  })

  test('fills an excerpt from several partitions', () => {
    const { window, partition } = open()
    const other = window.open(1, 0)
    append(partition, run(0, 2))
    append(other, run(5, 2))
    const excerpt = new Excerpt({ ...limits, maxEvents: 3 })

    expect(readEvents(partition, { from: 0, wanted: everything, excerpt })).toEqual({ kind: 'read', to: 2 })
    expect(readEvents(other, { from: 0, wanted: everything, excerpt })).toEqual({ kind: 'read', to: 6 })
    expect([excerpt.isFull, [...excerpt.partitions], [...excerpt.offsets]]).toEqual([
      true,
      [0, 0, 1],
      [0, 1, 5],
    ])
    expect(readEvents(partition, { from: 0, wanted: everything, excerpt })).toEqual({ kind: 'read', to: 0 })
  })

  test('gives back the memory of a large event', () => {
    const { partition } = open()
    append(partition, [{ offset: 0, text: 'y'.repeat(100_000), items: [0] }])
    const excerpt = new Excerpt(limits)
    readEvents(partition, { from: 0, wanted: everything, excerpt })
    expect(excerpt.bytes.length).toBe(100_001)

    excerpt.clear()
    expect([excerpt.bytes.length, excerpt.count, excerpt.isFull]).toEqual([65_000, 0, false])
  })
})
