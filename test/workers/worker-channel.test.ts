import * as v from 'valibot'
import { expect, test } from 'vitest'
import { WorkerChannel } from '../../src/workers/worker-channel.ts'
import { workerChannelPair } from './worker-channel-pair.ts'

const options = { answer: v.string(), withinMs: 5000 }

test('a question is answered, however late among others', async () => {
  const slow = Promise.withResolvers<string>()
  const [asker] = workerChannelPair(
    {},
    { onQuestion: question => ('first' in Object(question) ? slow.promise : 'second') },
  )
  const first = asker.ask({ first: true }, options)
  expect(await asker.ask({ second: true }, options)).toBe('second')
  slow.resolve('first')
  expect(await first).toBe('first')
})

test('an error of the other end fails the question', async () => {
  const answer = (): never => {
    throw new Error('it is starting')
  }
  const [asker] = workerChannelPair({}, { onQuestion: answer })
  await expect(asker.ask({}, options)).rejects.toThrow('it is starting')
})

test('a malformed answer is an error', async () => {
  const [asker] = workerChannelPair({}, { onQuestion: () => 17 })
  await expect(asker.ask({}, options)).rejects.toThrow('the answer is malformed')
})

test('a question fails after its time, and a late answer is ignored', async () => {
  const late = Promise.withResolvers<string>()
  const [asker] = workerChannelPair({}, { onQuestion: () => late.promise })
  await expect(asker.ask({}, { ...options, withinMs: 20 })).rejects.toThrow('no answer within 20 ms')
  late.resolve('too late')
  const [other] = workerChannelPair({}, { onQuestion: () => 'in time' })
  expect(await other.ask({}, options)).toBe('in time')
})

test('when the other end is gone every question fails, waiting ones too', async () => {
  const [asker] = workerChannelPair({}, { onQuestion: () => new Promise(() => undefined) })
  const asked = asker.ask({}, options)
  asker.close()
  await expect(asked).rejects.toThrow('gone')
  await expect(asker.ask({}, options)).rejects.toThrow('gone')
})

test('the number of waiting questions is limited', async () => {
  const channel = new WorkerChannel({
    send: () => undefined,
    onQuestion: () => undefined,
    onNotice: () => undefined,
  })
  const asked = Array.from({ length: 20_000 }, () => channel.ask({}, options))
  await expect(channel.ask({}, options)).rejects.toThrow('20000 questions are waiting')
  channel.close()
  const outcomes = await Promise.allSettled(asked)
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20_000)
})

test('notices arrive in their order, and foreign messages are ignored', async () => {
  const received: unknown[] = []
  const [first, second] = workerChannelPair(
    {},
    { onNotice: notice => received.push(notice), onQuestion: () => 'done' },
  )
  for (const strange of [
    undefined,
    17,
    [],
    {},
    { messages: 1 },
    { messages: [1, {}, { kind: 'question' }, { kind: 'answer', number: 99 }] },
  ]) {
    second.receive(strange)
  }
  first.tell({ at: 1 })
  first.tell({ at: 2 })
  await first.ask({}, options)
  expect(received).toEqual([{ at: 1 }, { at: 2 }])
})
