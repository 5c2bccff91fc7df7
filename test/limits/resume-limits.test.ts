import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ResumeLimits, type ResumeLimitsOptions } from '../../src/limits/resume-limits.ts'
import { UserConcurrency } from '../../src/limits/concurrency-limiter.ts'
import { createTestQuotas } from '../support/defaults.ts'

const create = (options: Partial<ResumeLimitsOptions> = {}): ResumeLimits =>
  new ResumeLimits({
    quotas: createTestQuotas({ resumeBytesPerUser: 60_000 }),
    resumesAtOnce: 3,
    resumesAtOncePerUser: 2,
    ...options,
  })

const { signal } = new AbortController()

/** Work that goes on until it is ended, and says when it began. */
class Work {
  readonly begun: string[] = []
  readonly #ends = new Map<string, () => void>()

  named(name: string): () => Promise<void> {
    return () => {
      this.begun.push(name)
      return new Promise(resolve => this.#ends.set(name, resolve))
    }
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.()
    await nextLoopTurn()
  }
}

describe('bytes of a user', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('are a minute’s worth at once; who wants more waits, and is not refused', async () => {
    const limits = create()
    const ann = limits.of('ann')
    await ann.takeBytes(60_000, signal)
    const done: string[] = []
    const first = ann.takeBytes(10_000, signal).then(() => done.push('first'))
    const second = limits
      .of('ann')
      .takeBytes(5000, signal)
      .then(() => done.push('second'))
    await vi.advanceTimersByTimeAsync(9900)
    expect(done).toEqual([])
    expect(limits.counts).toMatchObject({ waiting: 2, delayed: { bytes: 2 } })
    await vi.advanceTimersByTimeAsync(200)
    expect(done).toEqual(['first'])
    await vi.advanceTimersByTimeAsync(5000)
    await Promise.all([first, second])
    expect(limits.counts).toMatchObject({ bytes: 75_000, waiting: 0 })
  })

  test('are no other user’s', async () => {
    const limits = create()
    await limits.of('ann').takeBytes(60_000, signal)
    await limits.of('bob').takeBytes(60_000, signal)
    expect(limits.counts.delayed.bytes).toBe(0)
  })

  test('more than a minute’s worth are taken from a full budget, and the next waits the longer', async () => {
    const limits = create()
    await limits.of('ann').takeBytes(120_000, signal)
    let isDone = false
    const next = limits
      .of('ann')
      .takeBytes(1000, signal)
      .then(() => (isDone = true))
    await vi.advanceTimersByTimeAsync(60_900)
    expect(isDone).toBe(false)
    await vi.advanceTimersByTimeAsync(200)
    await next
  })

  test('are given back by a session that leaves while it waits, which resolves at once', async () => {
    const limits = create()
    await limits.of('ann').takeBytes(60_000, signal)
    const leaving = new AbortController()
    const left = limits.of('ann').takeBytes(30_000, leaving.signal)
    leaving.abort()
    await left
    const next = limits.of('ann').takeBytes(1000, signal)
    await vi.advanceTimersByTimeAsync(1100)
    await next
    await limits.of('ann').takeBytes(1_000_000, leaving.signal)
    expect(limits.counts).toMatchObject({ bytes: 61_000, waiting: 0 })
  })
})

describe('turns to read the log', () => {
  test('are as many as the node has, for all users, in their order', async () => {
    const limits = create()
    const work = new Work()
    const all = ['a', 'b', 'c', 'd', 'e'].map(name => limits.of(name).runRead(work.named(name)))
    expect(work.begun).toEqual(['a', 'b', 'c'])
    expect(limits.counts.delayed).toMatchObject({ node: 2, user: 0 })
    await work.end('b')
    expect(work.begun).toEqual(['a', 'b', 'c', 'd'])
    for (const name of ['a', 'c', 'd', 'e']) await work.end(name)
    await Promise.all(all)
  })

  test('of one user are fewer, so that he leaves some to the others', async () => {
    const limits = create()
    const work = new Work()
    const ann = ['a1', 'a2', 'a3', 'a4'].map(name => limits.of('ann').runRead(work.named(name)))
    const bob = limits.of('bob').runRead(work.named('b1'))
    expect(work.begun).toEqual(['a1', 'a2', 'b1'])
    expect(limits.counts.delayed).toMatchObject({ node: 0, user: 2 })
    for (const name of ['a1', 'a2', 'b1', 'a3', 'a4']) await work.end(name)
    await Promise.all([...ann, bob])
    expect(work.begun).toEqual(['a1', 'a2', 'b1', 'a3', 'a4'])
  })

  test('are given on by work that fails, and a user without work is not kept', async () => {
    const turns = new UserConcurrency(1)
    const failing = turns.run('ann', () => Promise.reject(new Error('the log does not answer')))
    const next = turns.run('ann', () => Promise.resolve())
    expect(turns.isFull('ann')).toBe(true)
    await expect(failing).rejects.toThrow('the log does not answer')
    await next
    expect(turns.users).toBe(0)
  })
})
