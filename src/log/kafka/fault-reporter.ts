import { RateLimitedLog, type WarnLog } from '../../diagnostics/rate-limited-log.ts'
import { messageOf } from '../../diagnostics/ticker-error.ts'
import type { Partition } from '../event-log.ts'
import { kafkaErrorCodes, errorName } from './protocol/kafka-request.ts'
import { createKafkaStats, type KafkaStats } from './kafka-stats.ts'
import type { RecordBatchError } from './kafka-error.ts'

const intervalMs = 5000

/** Something that goes wrong until it is put right. */
interface Trouble {
  /** The topic or partition, where that has to be said. */
  readonly what?: string
  readonly why: string
}

/**
 * Counts and logs what goes wrong, and knows what does now. What may come in floods is logged every five seconds at most, by kind.
 */
export class FaultReporter {
  readonly stats: KafkaStats = createKafkaStats()
  readonly #log: WarnLog
  readonly #batchLog: WarnLog
  readonly #connectionLog: WarnLog
  readonly #refusalLog: WarnLog
  readonly #topicLog: WarnLog
  /** By whom or what it is about. */
  readonly #troubles = new Map<string, Trouble>()

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

  /** What goes wrong now, each reason once; `undefined` where nothing does. */
  get trouble(): string | undefined {
    const whats = new Map<string, string[]>()
    for (const { what, why } of this.#troubles.values())
      whats.set(why, [...(whats.get(why) ?? []), ...(what === undefined ? [] : [what])])
    const texts = [...whats].map(([why, of]) => (of.length === 0 ? why : `${of.join(', ')}: ${why}`))
    return texts.length === 0 ? undefined : texts.join('; ')
  }

  /** `peer` names whom the connection was to, until `reached`. */
  connectionFailed(error: unknown, peer: string): void {
    this.stats.connectionFailures += 1
    this.#connectionLog.warn({}, messageOf(error))
    this.#troubles.set(peer, { why: messageOf(error) })
  }

  /** A peer has answered, or is not asked any more. */
  reached(peer: string): void {
    this.#troubles.delete(peer)
  }

  /** Until `readable`. */
  refused(partition: Partition, errorCode: number): void {
    this.stats.refusals += 1
    const why = `cannot read: Kafka answered ${answered(errorCode)}`
    this.#refusalLog.warn({ ...partition }, why)
    this.#troubles.set(keyOf(partition), { what: keyOf(partition), why })
  }

  /** A partition was read, or is not followed any more. */
  readable(partition: Partition): void {
    if (this.#troubles.size > 0) this.#troubles.delete(keyOf(partition))
  }

  /** Until `topicFound`. One that does not exist is no trouble of its own: whoever wants it says so. */
  topicMissing(topic: string, errorCode: number): void {
    const why = `Kafka answered ${answered(errorCode)}`
    this.#topicLog.warn({ topic }, `waiting for a topic: ${why}`)
    if (errorCode === kafkaErrorCodes.topicAuthorizationFailed)
      this.#troubles.set(topic, { what: topic, why })
  }

  topicFound(topic: string): void {
    this.#troubles.delete(topic)
  }
}

function keyOf({ topic, partition }: Partition): string {
  return `${topic}/${partition}`
}

/** A broker that hides a topic says no more than that it may not be read. */
function answered(errorCode: number): string {
  const isForbidden = errorCode === kafkaErrorCodes.topicAuthorizationFailed
  return `${errorName(errorCode)}${isForbidden ? '; the user needs the ACLs Read and Describe on it' : ''}`
}
