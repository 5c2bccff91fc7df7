import * as v from 'valibot'
import { expect, test } from 'vitest'
import { QuotasUnavailableError } from '../../src/limits/node-quotas.ts'
import { WorkerQuotas } from '../../src/workers/worker-request-handler.ts'
import { workerNotice, workerQuestion } from '../../src/workers/worker-messages.ts'
import { RemoteQuotas } from '../../src/workers/remote-quotas.ts'
import { createTestQuotas } from '../support/defaults.ts'
import { workerChannelPair } from './worker-channel-pair.ts'
import { clockOf } from '../support/test-clock.ts'

const limits = { maxSessionsPerUser: 2, eventsPerSecond: 10 }

/** Two workers of one primary, which hears nothing before `open` has resolved. */
function node(open?: Promise<void>) {
  const quotas = createTestQuotas(
    limits,
    clockOf(() => 0),
  )
  const workers = [0, 1].map(() => {
    const share = new WorkerQuotas(quotas)
    const [channel] = workerChannelPair(
      {},
      {
        onQuestion: async question => {
          if (!v.is(workerQuestion, question) || question.ask === 'join') throw new TypeError('unexpected')
          if (question.ask === 'reserve') return await quotas.reserve(question.wants, question.mostMs)
          return share.claim(question.number, question.kind, question.key)
        },
        onNotice: notice => {
          if (v.is(workerNotice, notice) && notice.tell === 'release') share.release(notice.number)
          if (v.is(workerNotice, notice) && notice.tell === 'refund') quotas.refund(notice.want)
        },
      },
      open,
    )
    return { share, quotas: new RemoteQuotas(channel, 200) }
  })
  return { quotas, first: workers[0]!, second: workers[1]! }
}

test('slots are those of the node, whichever worker claims them', async () => {
  const { quotas, first, second } = node()
  const release = await first.quotas.acquire('sessionsPerUser', 'ann')
  expect(await second.quotas.acquire('sessionsPerUser', 'ann')).toBeDefined()
  expect(await second.quotas.acquire('sessionsPerUser', 'ann')).toBeUndefined()
  release?.()
  release?.()
  await expect.poll(() => quotas.slotsTaken('sessionsPerUser')).toBe(1)
  expect(await second.quotas.acquire('sessionsPerUser', 'ann')).toBeDefined()
  expect(await first.quotas.acquire('sessionsPerUser', 'ann')).toBeUndefined()
})

test('slots of a worker that is gone are free', async () => {
  const { first, second } = node()
  await first.quotas.acquire('sessionsPerUser', 'ann')
  await first.quotas.acquire('sessionsPerUser', 'ann')
  expect(await second.quotas.acquire('sessionsPerUser', 'ann')).toBeUndefined()
  first.share.releaseAll()
  expect(await second.quotas.acquire('sessionsPerUser', 'ann')).toBeDefined()
})

test('rates are those of the node, and what was not used is given back', async () => {
  const { first, second } = node()
  const want = { kind: 'eventsPerUser', key: 'ann', count: 6 } as const
  expect(await first.quotas.reserve([want], 0)).toBe(0)
  expect(await second.quotas.reserve([want], 0)).toBe(200)
  first.quotas.refund(want)
  expect(await first.quotas.reserve([{ ...want, count: 0 }], 0)).toBe(0)
  expect(await second.quotas.reserve([want], 0)).toBe(0)
})

test('a silent primary counts as a refusal in time, and a late slot is given back', async () => {
  const awake = Promise.withResolvers<void>()
  const { quotas, first } = node(awake.promise)
  await expect(first.quotas.acquire('sessionsPerUser', 'ann')).rejects.toThrow(QuotasUnavailableError)
  await expect(first.quotas.reserve([], 0)).rejects.toThrow('the primary process')
  awake.resolve()
  await expect.poll(() => first.share.size).toBe(0)
  expect(quotas.slotsTaken('sessionsPerUser')).toBe(0)
})

/**
 * Cause: an answer that came after its time was passed over, also where it granted what had been asked for.
 * Symptom: after a pause of the primary, users were refused for what they had been refused before.
 * Seen: by reading.
 */
test('what a late answer grants is given back, what it refuses is not', async () => {
  const awake = Promise.withResolvers<void>()
  const { quotas, first } = node(awake.promise)
  const want = { kind: 'eventsPerUser', key: 'ann', count: 10 } as const
  await quotas.reserve([{ ...want, key: 'bob' }], 0)
  const asked = [first.quotas.reserve([want], 0), first.quotas.reserve([{ ...want, key: 'bob' }], 0)]
  for (const each of asked) await expect(each).rejects.toThrow(QuotasUnavailableError)
  awake.resolve()
  await expect.poll(() => quotas.reserve([want], 0)).toBe(0)
  expect(await quotas.reserve([{ ...want, key: 'bob' }], 0)).toBe(1000)
})
