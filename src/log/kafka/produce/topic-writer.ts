import type { AppendResult, RecordHeader } from '../../event-log.ts'
import { brokerAddress } from '../connection/broker-connection.ts'
import { Cluster, PartitionTable } from '../connection/cluster.ts'
import { KafkajsClient } from '../connection/kafkajs-client.ts'
import type { KafkaAccess } from '../connection/kafkajs-config.ts'
import { FaultReporter } from '../fault-reporter.ts'
import { Appender } from './appender.ts'

/** A record for the topic of a writer. */
export interface OutgoingRecord {
  readonly key: string
  readonly value: Buffer | null
  /** Kafka's client keeps the order of headers of one name only. */
  readonly headers: readonly RecordHeader[]
}

/** Writes records of any kind to one topic, beside the log. */
export interface TopicWriter {
  /** Resolves with a position or an error per record, in order. Never rejects. */
  write(records: readonly OutgoingRecord[]): Promise<readonly AppendResult[]>
  /** Waits some seconds for what is being written. */
  close(): Promise<void>
}

export interface TopicWriterOptions extends KafkaAccess {
  readonly topic: string
}

/** How long a record is tried. */
const timeoutMs = 30_000

/** Makes a writer with connections of its own; it connects when it is first used. */
export function createTopicWriter({ topic, ...access }: TopicWriterOptions): TopicWriter {
  const client = new KafkajsClient(access)
  // What goes wrong is told to whoever writes.
  const reporter = new FaultReporter({ warn: () => {} })
  const cluster = new Cluster({
    client,
    seeds: access.brokers.map(brokerAddress),
    topics: [topic],
    reporter,
  })
  const partitions = new PartitionTable()
  const appender = new Appender({ client, cluster, partitions, reporter, timeoutMs })
  return {
    write: records => appender.append(records.map(record => ({ ...record, topic }))),
    close: async () => {
      await appender.close()
      cluster.close()
    },
  }
}
