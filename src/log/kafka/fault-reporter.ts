import { type Clock, systemClock } from '../../system/clock.ts'
import { RateLimitedLog, type WarnLog } from '../../diagnostics/rate-limited-log.ts'
import { messageOf } from '../../diagnostics/ticker-error.ts'
import type { Partition } from '../event-log.ts'
import type { RecordBatchError } from './kafka-error.ts'
import { createKafkaStats, type KafkaStats } from './kafka-stats.ts'
import { errorName, kafkaErrorCodes } from './protocol/kafka-request.ts'

const intervalMs = 5000

/** A fault that lasts until it is cleared. */
interface LastingFault {
  /** The topic or partition, if the reason does not name it. */
  readonly subject?: string
  readonly reason: string
}

/** Counts and logs faults, frequent ones once in five seconds, and knows the faults that last. */
export class FaultReporter {
  readonly stats: KafkaStats = createKafkaStats()
  readonly #log: WarnLog
  readonly #batchLog: WarnLog
  readonly #connectionLog: WarnLog
  readonly #refusalLog: WarnLog
  readonly #topicLog: WarnLog
  /** By the peer, topic or partition. */
  readonly #lasting = new Map<string, LastingFault>()

  constructor(log: WarnLog, clock: Clock = systemClock) {
    const limited = () => new RateLimitedLog(log, intervalMs, clock)
    this.#log = log
    this.#batchLog = limited()
    this.#connectionLog = limited()
    this.#refusalLog = limited()
    this.#topicLog = limited()
  }

  /** The lasting faults, each reason once; `undefined` if there are none. */
  get trouble(): string | undefined {
    const subjects = new Map<string, string[]>()
    for (const { subject, reason } of this.#lasting.values()) {
      subjects.set(reason, [...(subjects.get(reason) ?? []), ...(subject === undefined ? [] : [subject])])
    }
    const texts = [...subjects].map(([reason, of]) =>
      of.length === 0 ? reason : `${of.join(', ')}: ${reason}`,
    )
    return texts.length === 0 ? undefined : texts.join('; ')
  }

  /** A batch was skipped. */
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

  /** A topic was deleted and recreated. */
  recreated(partition: Partition, epochs: { readonly before: string; readonly now: string }): void {
    this.#log.warn({ ...partition, ...epochs }, 'the topic was recreated: reading from its first offset')
  }

  /** A connection to `peer` failed. Lasts until `reached`. */
  connectionFailed(error: unknown, peer: string): void {
    this.stats.connectionFailures += 1
    this.#connectionLog.warn({}, messageOf(error))
    this.#lasting.set(peer, { reason: messageOf(error) })
  }

  /** A peer has answered, or is not asked any more. */
  reached(peer: string): void {
    this.#lasting.delete(peer)
  }

  /** A broker refused to read a partition. Lasts until `readable`. */
  refused(partition: Partition, errorCode: number): void {
    this.stats.refusals += 1
    const subject = nameOf(partition)
    const reason = `cannot read: Kafka answered ${answerOf(errorCode)}`
    this.#refusalLog.warn({ ...partition }, reason)
    this.#lasting.set(subject, { subject, reason })
  }

  /** A partition was read, or is not followed any more. */
  readable(partition: Partition): void {
    if (this.#lasting.size > 0) this.#lasting.delete(nameOf(partition))
  }

  /** A topic is missing or hidden. Only a hidden one is a lasting fault, until `topicFound`. */
  topicMissing(topic: string, errorCode: number): void {
    const reason = `Kafka answered ${answerOf(errorCode)}`
    this.#topicLog.warn({ topic }, `waiting for a topic: ${reason}`)
    if (errorCode === kafkaErrorCodes.topicAuthorizationFailed)
      this.#lasting.set(topic, { subject: topic, reason })
  }

  topicFound(topic: string): void {
    this.#lasting.delete(topic)
  }
}

function nameOf({ topic, partition }: Partition): string {
  return `${topic}/${partition}`
}

/** The name of an error code, with the cure where a broker hides a topic. */
function answerOf(errorCode: number): string {
  const isForbidden = errorCode === kafkaErrorCodes.topicAuthorizationFailed
  return `${errorName(errorCode)}${isForbidden ? '; the user needs the ACLs Read and Describe on it' : ''}`
}
