import { expect, test } from 'vitest'
import { ReadBuffer } from '../../../src/feed/recent-events/read-buffer.ts'
import { readEvents } from '../../../src/feed/recent-events/read-events.ts'
import { append } from './batch.ts'
import { everything, limits, openWindow, read, run } from './window-fixture.ts'

test('finds a rare item among many events without looking at them', () => {
  const { partition } = openWindow()
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
  const { partition } = openWindow()
  append(partition, run(0, 100_000, { items: 4 }))

  const { answer, steps } = read(partition, 0, new Set([0]))
  expect(answer).toEqual({ kind: 'read', to: 4 * 500 - 4 + 4 })
  expect(steps).toBeLessThan(3000)
})

test('takes no more steps than allowed, and goes on where it stopped', () => {
  const { partition } = openWindow()
  append(partition, run(0, 120_000))
  const nothing = (item: number) => item === 5

  expect(read(partition, 0, nothing)).toMatchObject({ answer: { to: 50_000 }, texts: [], steps: 50_000 })
  expect(read(partition, 100_000, nothing).answer).toEqual({ kind: 'read', to: 120_000 })
})

test('spends at most half of its steps on chains that it then does not follow', () => {
  const { partition } = openWindow()
  append(partition, run(0, 300))
  const later = run(300, 100_000)
  append(
    partition,
    later.map((event, index) => ({ ...event, items: [1 + (index % 2000)] })),
  )
  const many = new Set(Array.from({ length: 400 }, (_, index) => index * 5 + 1))
  const readBuffer = new ReadBuffer({ ...limits, maxBytes: 10_000_000, maxEvents: 100_000 })

  const { to } = readEvents(partition, { from: 0, wanted: many, readBuffer })
  expect(to).toBeGreaterThan(20_000)
  expect(readBuffer.count).toBe(Math.ceil((to - 300) / 5))
})

test('looks at the rows where more items are wanted than there are rows', () => {
  const { partition } = openWindow()
  append(partition, run(0, 2000, { items: 2000 }))
  const many = new Set(Array.from({ length: 20_000 }, (_, item) => item * 10))

  const { texts, steps } = read(partition, 0, many)
  expect(texts).toHaveLength(200)
  expect(steps).toBe(2000)
})

test('returns an article once, whichever of its items are wanted, by rows and by chains', () => {
  const { partition } = openWindow()
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

test('fills a buffer from several partitions', () => {
  const { window, partition } = openWindow()
  const other = window.open(1, 0)
  append(partition, run(0, 2))
  append(other, run(5, 2))
  const readBuffer = new ReadBuffer({ ...limits, maxEvents: 3 })

  expect(readEvents(partition, { from: 0, wanted: everything, readBuffer })).toEqual({ kind: 'read', to: 2 })
  expect(readEvents(other, { from: 0, wanted: everything, readBuffer })).toEqual({ kind: 'read', to: 6 })
  expect([readBuffer.isFull, [...readBuffer.partitions], [...readBuffer.offsets]]).toEqual([
    true,
    [0, 0, 1],
    [0, 1, 5],
  ])
  expect(readEvents(partition, { from: 0, wanted: everything, readBuffer })).toEqual({ kind: 'read', to: 0 })
})

test('frees the memory of a large event', () => {
  const { partition } = openWindow()
  append(partition, [{ offset: 0, text: 'y'.repeat(100_000), items: [0] }])
  const readBuffer = new ReadBuffer(limits)
  readEvents(partition, { from: 0, wanted: everything, readBuffer })
  expect(readBuffer.bytes.length).toBe(100_001)

  readBuffer.clear()
  expect([readBuffer.bytes.length, readBuffer.count, readBuffer.isFull]).toEqual([65_000, 0, false])
})
