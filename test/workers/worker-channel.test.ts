import { expect, test } from 'vitest'
import { WorkerChannel } from '../../src/workers/worker-channel.ts'
import { workerChannelPair } from './worker-channel-pair.ts'

const rule = { parse: (value: unknown) => (typeof value === 'string' ? value : undefined), withinMs: 5000 }

test('a question is answered, however late among others', async () => {
  const slow = Promise.withResolvers<string>()
  const [asker] = workerChannelPair(
    {},
    { answer: question => ('first' in Object(question) ? slow.promise : 'second') },
  )
  const first = asker.ask({ first: true }, rule)
  expect(await asker.ask({ second: true }, rule)).toBe('second')
  slow.resolve('first')
  expect(await first).toBe('first')
})

test('what is thrown over there is told', async () => {
  const answer = (): never => {
    throw new Error('it is starting')
  }
  const [asker] = workerChannelPair({}, { answer })
  await expect(asker.ask({}, rule)).rejects.toThrow('it is starting')
})

test('an answer that is none is an error', async () => {
  const [asker] = workerChannelPair({}, { answer: () => 17 })
  await expect(asker.ask({}, rule)).rejects.toThrow('the answer is none')
})

test('nobody waits longer than he says, and what comes later is passed over', async () => {
  const late = Promise.withResolvers<string>()
  const [asker] = workerChannelPair({}, { answer: () => late.promise })
  await expect(asker.ask({}, { ...rule, withinMs: 20 })).rejects.toThrow('no answer within 20 ms')
  late.resolve('too late')
  const [other] = workerChannelPair({}, { answer: () => 'in time' })
  expect(await other.ask({}, rule)).toBe('in time')
})

test('when the other end is gone every question fails, those that wait as well', async () => {
  const [asker] = workerChannelPair({}, { answer: () => new Promise(() => undefined) })
  const asked = asker.ask({}, rule)
  asker.close()
  await expect(asked).rejects.toThrow('gone')
  await expect(asker.ask({}, rule)).rejects.toThrow('gone')
})

test('so many questions wait at most', async () => {
  const line = new WorkerChannel({ send: () => undefined, answer: () => undefined, hear: () => undefined })
  const asked = Array.from({ length: 20_000 }, () => line.ask({}, rule))
  await expect(line.ask({}, rule)).rejects.toThrow('20000 questions wait')
  line.close()
  const outcomes = await Promise.allSettled(asked)
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20_000)
})

test('what is told arrives in its order, and anything else on the channel is passed over', async () => {
  const heard: unknown[] = []
  const [teller, hearer] = workerChannelPair({}, { hear: notice => heard.push(notice), answer: () => 'done' })
  for (const strange of [
    undefined,
    17,
    [],
    {},
    { said: 1 },
    { said: [1, {}, { line: 'ask' }, { line: 'answer', number: 99 }] },
  ]) {
    hearer.receive(strange)
  }
  teller.tell({ at: 1 })
  teller.tell({ at: 2 })
  await teller.ask({}, rule)
  expect(heard).toEqual([{ at: 1 }, { at: 2 }])
})
