import type { RecordHeader } from '../event-log.ts'
import { Appender } from './appender.ts'
import { brokerAddress } from './broker-address.ts'
import { Cluster } from './cluster.ts'
import { Incidents } from './incidents.ts'
import type { KafkaAccess } from './kafkajs-access.ts'
import { KafkajsClient } from './kafkajs-client.ts'
import { PartitionTable } from './partition-table.ts'
import type { AppendResult } from '../event-log.ts'

/** A record for the topic of a writer. */
export interface OutgoingRecord {
  readonly key: string
  readonly value: Buffer | null
  /** Kafka's client keeps the order of headers of one name only. */
  readonly headers: readonly RecordHeader[]
}

/** Writes records of any kind to one topic, beside the log. */
export interface RecordWriter {
  /** Resolves with a position or an error per record, in order. Never rejects. */
  write(records: readonly OutgoingRecord[]): Promise<readonly AppendResult[]>
  /** Waits some seconds for what is being written. */
  close(): Promise<void>
}

export interface RecordWriterOptions extends KafkaAccess {
  readonly topic: string
}

/** How long a record is tried. */
const timeoutMs = 30_000

/** Makes a writer with connections of its own; it connects when it is first used. */
export function createRecordWriter({ topic, ...access }: RecordWriterOptions): RecordWriter {
  const client = new KafkajsClient(access)
  // What goes wrong is told to whoever writes.
  const incidents = new Incidents({ warn: () => {} })
  const cluster = new Cluster({
    client,
    seeds: access.brokers.map(brokerAddress),
    topics: [topic],
    incidents,
  })
  const partitions = new PartitionTable()
  const appender = new Appender({ client, cluster, partitions, incidents, timeoutMs })
  return {
    write: records => appender.append(records.map(record => ({ ...record, topic }))),
    close: async () => {
      await appender.close()
      cluster.close()
    },
  }
}
