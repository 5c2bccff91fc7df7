import { RateLimitedLog, type WarnLog } from '../../rate-limited-log.ts'
import { messageOf } from '../../ticker-error.ts'
import type { Partition } from '../event-log.ts'
import { errorCodes, errorName } from './kafka-request.ts'
import { createKafkaStats, type KafkaStats } from './kafka-stats.ts'
import type { RecordBatchError } from './record-batch-error.ts'

const intervalMs = 5000

/** Counts and logs what goes wrong. What may come in floods is logged every five seconds at most, by kind. */
export class Incidents {
  readonly stats: KafkaStats = createKafkaStats()
  readonly #log: WarnLog
  readonly #batchLog: WarnLog
  readonly #connectionLog: WarnLog
  readonly #refusalLog: WarnLog
  readonly #topicLog: WarnLog

  constructor(log: WarnLog) {
    this.#log = log
    this.#batchLog = new RateLimitedLog(log, intervalMs)
    this.#connectionLog = new RateLimitedLog(log, intervalMs)
    this.#refusalLog = new RateLimitedLog(log, intervalMs)
    this.#topicLog = new RateLimitedLog(log, intervalMs)
  }

  /** A batch was passed over. */
  unreadable(partition: Partition, error: RecordBatchError): void {
    if (error.fault === 'unsupported') this.stats.unsupportedBatches += 1
    else this.stats.corruptBatches += 1
    const { from, to, message } = error
    this.#batchLog.warn({ ...partition, from, to }, `passed over a batch: ${message}`)
  }

  /** The offsets `[from, to)` had left the log before they were read. */
  expired(partition: Partition, [from, to]: readonly [from: number, to: number]): void {
    this.stats.positionsExpired += 1
    this.#log.warn({ ...partition, from, to }, `position lost: the log no longer has ${to - from} offsets`)
  }

  /** The partition now ends at `to`, before the position `from`. */
  truncated(partition: Partition, [from, to]: readonly [from: number, to: number]): void {
    this.stats.positionsTruncated += 1
    this.#log.warn({ ...partition, from, to }, `position lost: the log was cut back by ${from - to} offsets`)
  }

  /** A topic was made again. */
  recreated(partition: Partition, epochs: { readonly before: string; readonly now: string }): void {
    this.#log.warn({ ...partition, ...epochs }, 'the topic was made again: reading from its first offset')
  }

  connectionFailed(error: unknown): void {
    this.stats.connectionFailures += 1
    this.#connectionLog.warn({}, messageOf(error))
  }

  refused(partition: Partition, errorCode: number): void {
    this.stats.refusals += 1
    this.#refusalLog.warn({ ...partition }, `cannot read: Kafka answered ${answered(errorCode)}`)
  }

  topicMissing(topic: string, errorCode: number): void {
    this.#topicLog.warn({ topic }, `waiting for a topic: Kafka answered ${answered(errorCode)}`)
  }
}

/** A broker that hides a topic says no more than that it may not be read. */
function answered(errorCode: number): string {
  const isForbidden = errorCode === errorCodes.topicAuthorizationFailed
  return `${errorName(errorCode)}${isForbidden ? '; the user needs the ACLs Read and Describe on it' : ''}`
}
