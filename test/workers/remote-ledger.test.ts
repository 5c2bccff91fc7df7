import { expect, test } from 'vitest'
import { LedgerSilentError } from '../../src/limits/ledger.ts'
import { LedgerShare } from '../../src/workers/ledger-share.ts'
import { isWorkerNotice, isWorkerQuestion } from '../../src/workers/messages.ts'
import { RemoteLedger } from '../../src/workers/remote-ledger.ts'
import { createTestLedger } from '../support/test-ledger.ts'
import { linePair } from './line-pair.ts'

const limits = { maxSessionsPerUser: 2, eventsPerSecond: 10 }

/** Two workers of one primary, which hears nothing before `open` has resolved. */
function node(open?: Promise<void>) {
  const ledger = createTestLedger(limits, () => 0)
  const workers = [0, 1].map(() => {
    const share = new LedgerShare(ledger)
    const [line] = linePair(
      {},
      {
        answer: async question => {
          if (!isWorkerQuestion(question) || question.ask === 'join') throw new TypeError('unexpected')
          if (question.ask === 'reserve') return await ledger.reserve(question.wants, question.mostMs)
          return share.claim(question.number, question.kind, question.key)
        },
        hear: notice => {
          if (isWorkerNotice(notice) && notice.tell === 'release') share.release(notice.number)
          if (isWorkerNotice(notice) && notice.tell === 'giveBack') ledger.giveBack(notice.want)
        },
      },
      open,
    )
    return { share, ledger: new RemoteLedger(line, 200) }
  })
  return { ledger, first: workers[0]!, second: workers[1]! }
}

test('places are those of the node, whichever worker claims them', async () => {
  const { ledger, first, second } = node()
  const release = await first.ledger.claim('sessionsPerUser', 'ann')
  expect(await second.ledger.claim('sessionsPerUser', 'ann')).toBeDefined()
  expect(await second.ledger.claim('sessionsPerUser', 'ann')).toBeUndefined()
  release?.()
  release?.()
  await expect.poll(() => ledger.taken('sessionsPerUser')).toBe(1)
  expect(await second.ledger.claim('sessionsPerUser', 'ann')).toBeDefined()
  expect(await first.ledger.claim('sessionsPerUser', 'ann')).toBeUndefined()
})

test('what a worker held that is gone is free', async () => {
  const { first, second } = node()
  await first.ledger.claim('sessionsPerUser', 'ann')
  await first.ledger.claim('sessionsPerUser', 'ann')
  expect(await second.ledger.claim('sessionsPerUser', 'ann')).toBeUndefined()
  first.share.releaseAll()
  expect(await second.ledger.claim('sessionsPerUser', 'ann')).toBeDefined()
})

test('rates are those of the node, and what was not used is given back', async () => {
  const { first, second } = node()
  const want = { kind: 'eventsPerUser', key: 'ann', count: 6 } as const
  expect(await first.ledger.reserve([want], 0)).toBe(0)
  expect(await second.ledger.reserve([want], 0)).toBe(200)
  first.ledger.giveBack(want)
  expect(await first.ledger.reserve([{ ...want, count: 0 }], 0)).toBe(0)
  expect(await second.ledger.reserve([want], 0)).toBe(0)
})

test('a primary that does not answer refuses in time, and a place that it gives too late is given back', async () => {
  const awake = Promise.withResolvers<void>()
  const { ledger, first } = node(awake.promise)
  await expect(first.ledger.claim('sessionsPerUser', 'ann')).rejects.toThrow(LedgerSilentError)
  await expect(first.ledger.reserve([], 0)).rejects.toThrow('the primary process')
  awake.resolve()
  await expect.poll(() => first.share.size).toBe(0)
  expect(ledger.taken('sessionsPerUser')).toBe(0)
})

/**
 * Cause: an answer that came after its time was passed over, also where it granted what had been asked for.
 * Symptom: after a pause of the primary, users were refused for what they had been refused before.
 * Seen: by reading.
 */
test('what a late answer grants is given back, what it refuses is not', async () => {
  const awake = Promise.withResolvers<void>()
  const { ledger, first } = node(awake.promise)
  const want = { kind: 'eventsPerUser', key: 'ann', count: 10 } as const
  await ledger.reserve([{ ...want, key: 'bob' }], 0)
  const asked = [first.ledger.reserve([want], 0), first.ledger.reserve([{ ...want, key: 'bob' }], 0)]
  for (const each of asked) await expect(each).rejects.toThrow(LedgerSilentError)
  awake.resolve()
  await expect.poll(() => ledger.reserve([want], 0)).toBe(0)
  expect(await ledger.reserve([{ ...want, key: 'bob' }], 0)).toBe(1000)
})
