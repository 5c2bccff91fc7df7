import { expect, test } from 'vitest'
import { ReadBuffer } from '../../../src/feed/recent-events/read-buffer.ts'
import { ConflatedCursor } from '../../../src/feed/recent-events/conflated-cursor.ts'
import { readConflated } from '../../../src/feed/recent-events/read-conflated.ts'
import type { ItemFilter } from '../../../src/feed/recent-events/read-events.ts'
import { RecentEvents } from '../../../src/feed/recent-events/recent-events.ts'
import { append } from './batch.ts'
import { contentsOf } from './window-readers.ts'

const limits = { maxBytes: 65_000, maxEvents: 500, maxSteps: 50_000 }
const everything: ItemFilter = () => true

function open() {
  const window = new RecentEvents({ maxBytes: 100_000_000, maxAgeMs: 900_000 })
  const partition = window.open(0, 0)
  /** One event after another, of these items. */
  const appendOf = (items: Iterable<number>) =>
    append(
      partition,
      Array.from(items, (item, index) => ({
        offset: partition.to + index,
        text: `${item}@${partition.to + index}`,
        items: [item],
      })),
    )
  const read = (
    cursor: ConflatedCursor,
    { wanted = everything, ...changes }: { wanted?: ItemFilter; maxEvents?: number } = {},
  ) => {
    const readBuffer = new ReadBuffer({ ...limits, ...changes })
    const answer = readConflated(partition, { cursor, wanted, readBuffer })
    return {
      answer,
      taken: contentsOf(readBuffer).map(({ text, replaced }) => `${text} +${replaced}`),
      steps: limits.maxSteps - readBuffer.steps,
    }
  }
  return { partition, appendOf, read }
}

test('returns the newest event of each item that changed, and how many it replaces', () => {
  const { appendOf, read } = open()
  const cursor = new ConflatedCursor(0)
  appendOf([1, 2, 1, 1, 3])
  expect(read(cursor)).toMatchObject({
    answer: { kind: 'read', to: 5 },
    taken: ['2@1 +0', '1@3 +2', '3@4 +0'],
  })

  appendOf([2, 2])
  expect(read(cursor)).toMatchObject({ answer: { kind: 'read', to: 7 }, taken: ['2@6 +1'] })
  expect(read(cursor).taken).toEqual([])
})

test('reads every item in turn, and counts exactly, over several reads while events go on', () => {
  const { appendOf, read } = open()
  const cursor = new ConflatedCursor(0)
  appendOf([1, 2, 3, 4])
  expect(read(cursor, { maxEvents: 2 })).toMatchObject({ answer: { to: 0 }, taken: ['1@0 +0', '2@1 +0'] })
  appendOf([1, 3, 3])
  expect(read(cursor, { maxEvents: 2 })).toMatchObject({ answer: { to: 4 }, taken: ['4@3 +0', '3@6 +2'] })
  expect(read(cursor, { maxEvents: 2 })).toMatchObject({ answer: { to: 7 }, taken: ['1@4 +0'] })
  expect(cursor.ranges).toBe(1)
})

test('looks only at what changed, however many items there are', () => {
  const { partition, appendOf, read } = open()
  appendOf(Array.from({ length: 50_000 }, (_, item) => item))
  const cursor = new ConflatedCursor(partition.to)
  appendOf([7, 40_000, 7])

  const { taken, steps } = read(cursor)
  expect(taken).toEqual(['40000@50001 +0', '7@50002 +1'])
  expect(steps).toBeLessThan(100)
})

test('looks up a few wanted items, however many changed', () => {
  const { appendOf, read } = open()
  appendOf(Array.from({ length: 50_000 }, (_, item) => item))

  const { taken, steps } = read(new ConflatedCursor(0), { wanted: new Set([41_000, 3, 60_000]) })
  expect(taken).toEqual(['3@3 +0', '41000@41000 +0'])
  expect(steps).toBeLessThan(100)
})

test('reports lost events before it goes on', () => {
  const { partition, appendOf, read } = open()
  const cursor = new ConflatedCursor(0)
  appendOf([1, 2])
  partition.begin(5)
  appendOf([2])

  expect(read(cursor).answer).toEqual({ kind: 'lost', from: 0, to: 5 })
  expect(read(cursor)).toMatchObject({ answer: { to: 6 }, taken: ['2@5 +0'] })
  expect(read(new ConflatedCursor(9)).answer).toEqual({ kind: 'ahead', to: 6 })
})

test('counts an event of several items for each of them, and returns it once', () => {
  const { partition, appendOf, read } = open()
  const cursor = new ConflatedCursor(0)
  appendOf([1, 2, 2])
  append(partition, [{ offset: 3, text: 'both', items: [1, 2] }])

  expect(read(cursor).taken).toEqual(['both +3'])
  expect(read(new ConflatedCursor(0), { wanted: new Set([2]) }).taken).toEqual(['both +2'])
})

test('counts exactly where the rank of an item passes 2^32', () => {
  const { partition, appendOf, read } = open()
  appendOf([1, 1])
  partition.segments[0]!.ranks.set([0xffff_fffe, 0xffff_ffff])
  appendOf([1, 1, 1])

  expect(read(new ConflatedCursor(0)).taken).toEqual(['1@4 +4'])
  expect(read(new ConflatedCursor(1)).taken).toEqual(['1@4 +3'])
})
