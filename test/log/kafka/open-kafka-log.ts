import type { Position } from '../../../src/log/event-log.ts'
import type { Topics } from '../../../src/log/topics.ts'
import { createKafkaLog, type KafkaLog, type KafkaLogOptions } from '../../../src/log/kafka/kafka-log.ts'
import { createTopics, deleteTopics, type TopicOptions, withAdmin } from '../../support/topics.ts'

/** A Kafka log on topics of its own. */
export interface OpenedKafkaLog {
  readonly log: KafkaLog
  readonly topics: Topics
  /** What the log has logged. */
  readonly warnings: readonly Warning[]
  reopen(): Promise<KafkaLog>
  /** Drops the records of a partition before an offset, as retention does. */
  dropBefore(position: Position): Promise<void>
  close(): Promise<void>
}

/** A line of the log's logger. */
export interface Warning {
  readonly fields: object
  readonly message: string
}

/** Opens a log on new topics, with two partitions each; `close` deletes them. */
export async function openKafkaLog(
  brokers: string,
  options: Partial<KafkaLogOptions> & { readonly create?: TopicOptions } = {},
): Promise<OpenedKafkaLog> {
  const topics = options.topics ?? (await createTopics(brokers, { partitions: 2, ...options.create }))
  const warnings: Warning[] = []
  const logger = { warn: (fields: object, message: string) => void warnings.push({ fields, message }) }
  const settings = {
    brokers: brokers.split(','),
    clientId: 'test',
    topics,
    logger,
    lookUpIntervalMs: 200,
    ...options,
  }
  const opened: KafkaLog[] = []
  const open = () => {
    const log = createKafkaLog(settings)
    opened.push(log)
    return log
  }
  return {
    log: open(),
    topics,
    warnings,
    reopen: async () => open(),
    dropBefore: position => dropRecords(brokers, position),
    close: async () => {
      for (const log of opened) await log.close()
      await deleteTopics(brokers, topics)
    },
  }
}

async function dropRecords(brokers: string, { partition, offset }: Position): Promise<void> {
  const { topic } = partition
  await withAdmin(brokers, async admin => {
    // kafkajs looks for the leader among the topics it has heard of.
    await admin.fetchTopicMetadata({ topics: [topic] })
    await admin.deleteTopicRecords({
      topic,
      partitions: [{ partition: partition.partition, offset: String(offset) }],
    })
  })
}
