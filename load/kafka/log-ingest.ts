import { defaultDecoder } from '../../src/event/decoder.ts'
import { Ingest } from '../../src/ingest/ingest.ts'
import { createKafkaLog, type KafkaLog } from '../../src/log/kafka/kafka-log.ts'
import type { Topics } from '../../src/log/topics.ts'
import { createTestFeed, defaults } from '../../test/support/defaults.ts'

/** More than any topic of ours has: a warm-up that reads everything through the tail. */
const warmUpRecords = 10_000_000

const logger = {
  warn: (fields: object, message: string) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
}

/** The log as the gateway opens it. */
export function openKafkaLog(brokers: string, topics: Topics): KafkaLog {
  return createKafkaLog({ brokers: brokers.split(','), clientId: 'load', topics, logger })
}

/** A feed and what reads the whole log into it, otherwise with the gateway's defaults. */
export function createLogIngest(log: KafkaLog, topics: Topics) {
  const feed = createTestFeed()
  const parts = { log, feed, decoder: defaultDecoder, logger, topics }
  return { feed, ingest: new Ingest({ ...defaults.ingest, warmUpRecords, ...parts }) }
}
