import { expect, test } from 'vitest'
import { WakeSignal } from '../../../src/log/wake-signal.ts'
import { KafkaError } from '../../../src/log/kafka/kafka-error.ts'
import { RetryBackoff, retry } from '../../../src/log/kafka/retry.ts'

const limits = { signal: new AbortController().signal, timeoutMs: 60_000 }

test('pauses longer and longer, up to four seconds, and begins again after a success', () => {
  const backoff = new RetryBackoff(() => 1)
  expect(Array.from({ length: 7 }, () => backoff.next())).toEqual([0, 250, 500, 1000, 2000, 4000, 4000])
  backoff.reset()
  expect([backoff.next(), backoff.next()]).toEqual([0, 250])
})

test('varies pauses by a quarter at most', () => {
  const backoff = new RetryBackoff(() => 0)
  expect(Array.from({ length: 3 }, () => backoff.next())).toEqual([0, 187.5, 375])
})

test('ends a pause when it is aborted', async () => {
  const ending = new AbortController()
  const backoff = new RetryBackoff(() => 1)
  for (let attempt = 0; attempt < 2; attempt += 1) await backoff.wait(limits.signal)
  const waiting = backoff.wait(ending.signal)
  const abortedAt = performance.now()
  ending.abort()
  await waiting
  expect(performance.now() - abortedAt).toBeLessThan(200)
})

test('keeps a notification for the next wait, and several count as one', async () => {
  const signal = new WakeSignal()
  signal.notify()
  signal.notify()
  expect(await signal.wait(0)).toBe(true)
  expect(await signal.wait(0)).toBe(false)
  const waiting = signal.wait()
  signal.notify()
  expect(await waiting).toBe(true)
})

test('repeats failed work, and passes the number of failures', async () => {
  const work = async (failures: number) => {
    if (failures < 2) throw new KafkaError('no')
    return failures
  }
  expect(await retry(work, limits)).toBe(2)
})

test('gives up at once after a fatal error, and in time after others', async () => {
  const failed: number[] = []
  const fatal = async (failures: number) => {
    failed.push(failures)
    throw new KafkaError('never', { severity: 'fatal' })
  }
  await expect(retry(fatal, limits)).rejects.toThrow('never')
  const retriable = async (failures: number) => {
    failed.push(failures)
    throw new TypeError('not yet')
  }
  await expect(retry(retriable, { ...limits, timeoutMs: -1 })).rejects.toThrow(KafkaError)
  expect(failed).toEqual([0, 0])
})

test('does not wait for work under way when aborted', async () => {
  const ending = new AbortController()
  const retrying = retry(() => new Promise(() => {}), { ...limits, signal: ending.signal })
  ending.abort()
  await expect(retrying).rejects.toThrow('given up')
})
