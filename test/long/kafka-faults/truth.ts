import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { withAdmin } from '../../support/topics.ts'
import { patientKafka } from './trade-producer.ts'

const numberBase = 2 ** 40
/** With nothing new for so long, what is left carries no records: ends of transactions, say. */
const quietMs = 4000
const mostTries = 20
const retryMs = 500

export interface TrueRecord {
  readonly partition: number
  readonly offset: number
  /** Of the trade; `NaN` where the record is none. */
  readonly number: number
  readonly symbol: string
}

/** What a record says of itself. */
type Content = Pick<TrueRecord, 'number' | 'symbol'>

/**
 * All committed records of a topic as kafkajs' own consumer reads them, each partition in its order; trades
 * unless `read` says otherwise.
 */
export async function readTruth(
  brokers: string,
  topic: string,
  read: (value: Buffer | null) => Content = tradeOf,
): Promise<TrueRecord[]> {
  const ends = await endsOf(brokers, topic)
  const missing = new Map(ends.filter(({ low, high }) => low !== high).map(end => [end.partition, end.high]))
  const records: TrueRecord[] = []
  let lastAtMs = performance.now()
  const consumer = patientKafka(brokers).consumer({ groupId: `truth-${randomUUID()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      lastAtMs = performance.now()
      for (const { offset, value } of batch.messages) {
        records.push({ partition: batch.partition, offset: Number(offset), ...read(value) })
      }
      if (Number(batch.lastOffset()) + 1 >= Number(missing.get(batch.partition)))
        missing.delete(batch.partition)
    },
  })
  const hasBegun = () => records.length > 0
  while (missing.size > 0 && !(hasBegun() && performance.now() - lastAtMs > quietMs)) await pause(50)
  await consumer.disconnect()
  return records
}

/** A broker that has just come back may not know yet what it leads. */
async function endsOf(
  brokers: string,
  topic: string,
): Promise<Awaited<ReturnType<Admin['fetchTopicOffsets']>>> {
  for (let tries = 1; ; tries++) {
    try {
      return await withAdmin(brokers, admin => admin.fetchTopicOffsets(topic))
    } catch (error) {
      if (tries === mostTries) throw error
    }
    await pause(retryMs)
  }
}

function tradeOf(value: Buffer | null): Content {
  try {
    const trade: unknown = JSON.parse(String(value))
    const { i, S } = Object(trade) as { i?: number; S?: string }
    return { number: Number(i) - numberBase, symbol: String(S) }
  } catch {
    return { number: Number.NaN, symbol: '' }
  }
}

/** What is wrong with what a subscriber received, in trades. */
export interface Findings {
  /** In Kafka, and never received. */
  readonly lost: number
  /** Received again. */
  readonly twice: number
  /** Received, and not in Kafka. */
  readonly invented: number
  /** Received before one that precedes it in its partition. */
  readonly disordered: number
}

/** Compares what was received with what Kafka holds. */
export function compare(received: readonly number[], truth: readonly TrueRecord[]): Findings {
  const trades = truth.filter(({ number }) => !Number.isNaN(number))
  const placeOf = new Map(trades.map(trade => [trade.number, trade]))
  const known = new Set(received)
  const lastOffset = new Map<number, number>()
  let disordered = 0
  for (const { partition, offset } of received.flatMap(number => placeOf.get(number) ?? [])) {
    if (offset < (lastOffset.get(partition) ?? 0)) disordered++
    else lastOffset.set(partition, offset)
  }
  return {
    lost: trades.filter(({ number }) => !known.has(number)).length,
    twice: received.length - known.size,
    invented: [...known].filter(number => !placeOf.has(number)).length,
    disordered,
  }
}

/** What is wrong with what Kafka holds, in trades. */
export interface KafkaFindings {
  readonly missingInKafka: number
  readonly twiceInKafka: number
  /** Before one with a lower number, of the same symbol in the same partition. */
  readonly disorderedInKafka: number
}

/** Compares what Kafka holds with the first `count` trades, which it should. */
export function inspect(truth: readonly TrueRecord[], count: number): KafkaFindings {
  const last = new Map<string, number>()
  let disorderedInKafka = 0
  for (const { partition, symbol, number } of truth) {
    const item = `${partition}/${symbol}`
    if (number < (last.get(item) ?? -1)) disorderedInKafka++
    last.set(item, number)
  }
  const numbers = new Set(truth.map(({ number }) => number))
  return {
    missingInKafka: count - numbers.size,
    twiceInKafka: truth.length - numbers.size,
    disorderedInKafka,
  }
}
