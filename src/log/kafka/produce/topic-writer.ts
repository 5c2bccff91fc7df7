import type { AppendResult, RecordHeader } from '../../event-log.ts'
import { brokerAddress } from '../connection/broker-connection.ts'
import { Cluster } from '../connection/cluster.ts'
import type { KafkaAccess } from '../connection/kafka-access.ts'
import { KafkajsClient } from '../connection/kafkajs-client.ts'
import { FaultReporter } from '../fault-reporter.ts'
import { Appender } from './appender.ts'

/** A record for the topic of a writer. */
export interface OutgoingRecord {
  readonly key: string
  readonly value: Buffer | null
  /** kafkajs keeps the order only of headers with the same name. */
  readonly headers: readonly RecordHeader[]
}

/** Writes records of any kind to one topic, independently of the log. */
export interface TopicWriter {
  /** Resolves with a position or an error for each record, in order. Never rejects. */
  write(records: readonly OutgoingRecord[]): Promise<readonly AppendResult[]>
  /** Waits some seconds for records that are being written. */
  close(): Promise<void>
}

export interface TopicWriterOptions extends KafkaAccess {
  readonly topic: string
}

/** How long a record is tried. */
const timeoutMs = 30_000

/** Creates a writer with connections of its own. It connects when it is first used. */
export function createTopicWriter({ topic, ...access }: TopicWriterOptions): TopicWriter {
  const client = new KafkajsClient(access)
  // The caller of `write` learns of every fault.
  const reporter = new FaultReporter({ warn: () => {} })
  const seeds = access.brokers.map(brokerAddress)
  const cluster = new Cluster({ client, seeds, topics: [topic], reporter })
  const appender = new Appender({ client, cluster, reporter, timeoutMs })
  return {
    write: records => appender.append(records.map(record => ({ ...record, topic }))),
    close: async () => {
      await appender.close()
      cluster.close()
    },
  }
}
