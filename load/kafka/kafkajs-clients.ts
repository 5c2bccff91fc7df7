import { randomUUID } from 'node:crypto'
import { type EachBatchPayload, Kafka, logLevel, type Producer } from 'kafkajs'

/** kafkajs as the scenarios use it: quiet. */
export function kafkajsClient(brokers: string): Kafka {
  return new Kafka({ clientId: 'load', brokers: brokers.split(','), logLevel: logLevel.NOTHING })
}

/** An idempotent producer, so that a repetition is no second copy. */
export function kafkajsProducer(brokers: string): Producer {
  const options = { allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 }
  return kafkajsClient(brokers).producer(options)
}

export interface GroupReading {
  readonly brokers: string
  readonly topics: readonly string[]
  /** Given each batch; returns whether that was the last one. */
  readonly take: (batch: EachBatchPayload['batch']) => boolean
  readonly onJoin?: () => void
}

/** Reads topics from their beginning with a new consumer group of kafkajs; resolves after the last batch. */
export async function readWithGroup({ brokers, topics, take, onJoin }: GroupReading): Promise<void> {
  const consumer = kafkajsClient(brokers).consumer({ groupId: `load-${randomUUID()}` })
  const done = Promise.withResolvers<void>()
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  if (onJoin !== undefined) consumer.on('consumer.group_join', onJoin)
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      if (take(batch)) done.resolve()
    },
  })
  await done.promise
  // Not awaited here: `disconnect` waits for the batch under way.
  void consumer.disconnect()
}
