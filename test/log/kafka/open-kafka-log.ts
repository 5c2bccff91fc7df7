import type { Topics } from '../../../src/log/topics.ts'
import { createKafkaLog, type KafkaLog, type KafkaLogOptions } from '../../../src/log/kafka/kafka-log.ts'
import { createTopics, deleteTopics, type TopicOptions } from '../../support/topics.ts'

/** A Kafka log on topics of its own. */
export interface OpenedKafkaLog {
  readonly log: KafkaLog
  readonly topics: Topics
  /** What the log has logged. */
  readonly warnings: readonly Warning[]
  reopen(): Promise<KafkaLog>
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
    close: async () => {
      for (const log of opened) await log.close()
      await deleteTopics(brokers, topics)
    },
  }
}
