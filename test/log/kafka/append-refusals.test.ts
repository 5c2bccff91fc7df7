import { afterEach, beforeEach, expect, test } from 'vitest'
import type { OutgoingBatch } from '../../../src/log/kafka/broker-connection.ts'
import { KafkaError, RefusedError } from '../../../src/log/kafka/kafka-error.ts'
import { sampleTrade } from '../conformance/sample-event.ts'
import { AppendDesk } from './append-desk.ts'
import { numbers } from './reading.ts'

let desk: AppendDesk

beforeEach(async () => {
  desk = await AppendDesk.start()
  await desk.open(2000)
})

afterEach(() => desk.stop())

const tooLarge = new RefusedError('MESSAGE_TOO_LARGE', { reason: 'oversize' })
const forbidden = new RefusedError('TOPIC_AUTHORIZATION_FAILED', { reason: 'forbidden' })

/** Refuses every batch that holds one of these trades. */
function refuse(...refused: readonly number[]): void {
  const check = ({ messages }: OutgoingBatch) => {
    if (messages.some(({ value }) => refused.includes(JSON.parse(String(value)).i))) throw tooLarge
  }
  desk.outcomes.push(...numbers(0, 99).map(() => check))
}

test('a record that is too large fails alone, and the others keep their order', async () => {
  const trades = numbers(0, 100).map(number => sampleTrade('A', number))
  const refused = [trades[17]!.i!, trades[63]!.i!]
  refuse(...refused)
  const results = await desk.log.append(trades)
  const failed = results.flatMap((result, index) => ('error' in result ? [index] : []))
  expect(failed).toEqual([17, 63])
  const offsets = results.flatMap(result => ('position' in result ? [result.position.offset] : []))
  expect(offsets).toEqual(numbers(0, 98))
  expect(results[17]).toEqual({ error: tooLarge })
  // It has counted nothing that was refused.
  expect(desk.producers).toHaveLength(1)
})

test('missing rights are told at once, to all', async () => {
  desk.outcomes.push(() => {
    throw forbidden
  })
  const results = await desk.log.append([sampleTrade('A', 0), sampleTrade('A', 1)])
  expect(results).toEqual([{ error: forbidden }, { error: forbidden }])
  expect(desk.sent).toHaveLength(1)
})

test('a refusal after an answer was lost says nothing of the first attempt', async () => {
  desk.outcomes.push(
    () => {
      throw new KafkaError('connection lost')
    },
    () => {
      throw forbidden
    },
  )
  expect(await desk.log.append([sampleTrade('A', 0)])).toMatchObject([{ position: { offset: 0 } }])
  desk.outcomes.push(
    () => {
      throw new KafkaError('connection lost')
    },
    ...numbers(0, 99).map(() => () => {
      throw forbidden
    }),
  )
  const [result] = await desk.log.append([sampleTrade('A', 1)])
  expect(result).toMatchObject({ error: { name: 'KafkaError' } })
})

test('a topic made again is told by its new epoch', async () => {
  const [first] = await desk.log.append([sampleTrade('A', 0), sampleTrade('A', 1)])
  desk.cluster.create('trades', [0])
  desk.startAgain()
  const results = await desk.log.append([sampleTrade('A', 2), sampleTrade('A', 3)])
  const epoch = (result: unknown) => Object(result).position.epoch
  const [position] = await desk.log.partitions(AbortSignal.timeout(2000))
  expect(results.map(epoch)).toEqual([position!.epoch, position!.epoch])
  expect(epoch(first)).not.toBe(position!.epoch)
})
