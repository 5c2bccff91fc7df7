import type { Topics } from '../../src/log/topics.ts'
import { withAdmin } from '../../test/support/topics.ts'
import { symbolIndexAt } from '../lib/generated-events.ts'
import { readWithGroup } from './kafkajs-clients.ts'
import { noTotals } from './numbered-source.ts'

/** The numbered events that lie in Kafka. */
export type KafkaTotals = Awaited<ReturnType<typeof readKafkaTotals>>

interface NumberedValue {
  readonly S: string
  readonly s: number
  readonly bs: number
}

/** Reads both topics with kafkajs, so that the truth does not come from the gateway's own reader. */
export async function readKafkaTotals(brokers: string, topics: Topics, symbols: number) {
  const totals = noTotals(symbols)
  /** Events that do not follow the one before of their item, in the order of the log. */
  let outOfOrder = 0
  for (const stream of ['trades', 'quotes'] as const) {
    await eachValue(brokers, topics[stream], value => {
      // Kafka holds what `NumberedSource` made.
      const { S, s, bs } = JSON.parse(value.toString('latin1')) as NumberedValue
      const index = symbolIndexAt(S, 0)
      const number = stream === 'trades' ? s : bs
      if (number !== (totals[stream][index] ?? 0) + 1) outOfOrder++
      totals[stream][index] = number
    })
  }
  return { totals, outOfOrder }
}

async function eachValue(brokers: string, topic: string, take: (value: Buffer) => void): Promise<void> {
  const ends = await withAdmin(brokers, admin => admin.fetchTopicOffsets(topic))
  const missing = new Map(ends.filter(({ low, high }) => low !== high).map(end => [end.partition, end.high]))
  if (missing.size === 0) return
  await readWithGroup({
    brokers,
    topics: [topic],
    take(batch) {
      for (const { value } of batch.messages) if (value !== null) take(value)
      const isEnd = Number(batch.lastOffset()) + 1 >= Number(missing.get(batch.partition))
      if (isEnd) missing.delete(batch.partition)
      return missing.size === 0
    },
  })
}
