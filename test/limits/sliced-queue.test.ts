import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { SlicedQueue } from '../../src/limits/sliced-queue.ts'

describe('paced work', () => {
  test('is done at once where there is no storm', () => {
    const work = new SlicedQueue(2)
    const done: number[] = []
    work.enqueue(() => done.push(1))
    work.enqueue(() => done.push(2))
    expect(done).toEqual([1, 2])
  })

  test('is done a few pieces a turn, in order, and what was begun goes on first', async () => {
    const work = new SlicedQueue(2)
    const done: string[] = []
    for (const name of ['a', 'b', 'c', 'd', 'e']) work.enqueue(() => done.push(name))
    work.enqueueContinuation(() => done.push('A'))
    expect(done).toEqual(['a', 'b'])
    expect(work.waiting).toBe(4)
    await nextTurn()
    expect(done).toEqual(['a', 'b', 'A', 'c'])
    await nextTurn()
    expect(done).toEqual(['a', 'b', 'A', 'c', 'd', 'e'])
    expect(work.waiting).toBe(0)
  })

  test('that brings more work of its own leaves the loop free all the same', async () => {
    const work = new SlicedQueue(3)
    let done = 0
    const again = (): void => {
      done += 1
      work.enqueueContinuation(again)
    }
    work.enqueue(again)
    expect(done).toBe(3)
    await nextTurn()
    expect(done).toBe(6)
  })

  test('leaves a piece of each turn to what is new, however much goes on', async () => {
    const work = new SlicedQueue(2)
    const again = (): void => work.enqueueContinuation(again)
    let begun = 0
    for (let index = 0; index < 3; index++) work.enqueueContinuation(again)
    for (let index = 0; index < 3; index++) work.enqueue(() => begun++)
    for (let turn = 0; turn < 3; turn++) await nextTurn()
    expect(begun).toBe(3)
  })

  test('of a great storm is done in a time that grows with its size only', async () => {
    const work = new SlicedQueue(1000)
    let done = 0
    for (let index = 0; index < 100_000; index++) work.enqueue(() => done++)
    while (work.waiting > 0) await nextTurn()
    expect(done).toBe(100_000)
  })
})
