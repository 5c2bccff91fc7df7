import { setTimeout } from 'node:timers/promises'
import { type Clock, systemClock } from '../../../system/clock.ts'
import type { AppendResult, Partition } from '../../event-log.ts'
import type { KafkaClient, OutgoingMessage } from '../connection/broker-connection.ts'
import type { Cluster } from '../connection/cluster.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { RefusedError, UnsentError, unlessRefused } from '../kafka-error.ts'
import { kafkaErrorCodes } from '../protocol/kafka-request.ts'
import { retry } from '../retry.ts'
import { AppendEpochs } from './append-epochs.ts'
import type { SendResult } from './batch-delivery.ts'
import { PartitionAppender } from './partition-appender.ts'
import { SharedProducer } from './shared-producer.ts'

/** The bytes that may wait to be appended. A single call may bring more if nothing waits. */
const maxWaitingBytes = 64 * 1024 * 1024
/** The age at which the partitions are looked up again. */
const metadataAgeMs = 3000
const closeTimeoutMs = 5000

export interface AppenderOptions {
  readonly client: KafkaClient
  readonly cluster: Cluster
  readonly reporter: FaultReporter
  /** How long a message is tried before its append has failed. */
  readonly timeoutMs: number
  readonly clock?: Clock
}

/** A message and its topic. Its key decides the partition. */
export interface TopicMessage extends OutgoingMessage {
  readonly topic: string
}

/** One call of `append`. */
interface AppendCall {
  readonly messages: readonly TopicMessage[]
  readonly results: PendingResults
  readonly deadlineMs: number
}

/**
 * Appends messages to Kafka, for each key in the order of the calls. Each topic has a producer of its own, so
 * that a missing topic harms no other. After an error a message may still be in the log, since the answer may
 * have been lost; only an `UnsentError` and a `RefusedError` exclude that.
 */
export class Appender {
  readonly #options: AppenderOptions
  readonly #clock: Clock
  readonly #epochs: AppendEpochs
  readonly #producers = new Map<string, SharedProducer>()
  readonly #appenders = new Map<Partition, PartitionAppender>()
  readonly #closing = new AbortController()
  /** The calls without a result yet. */
  readonly #pending = new Set<Promise<unknown>>()
  #routing: Promise<void> = Promise.resolve()
  #waitingBytes = 0
  #isClosed = false

  constructor(options: AppenderOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#epochs = new AppendEpochs(options.cluster)
  }

  /** Resolves with a position or an error for each message, in order. Never rejects. */
  async append(messages: readonly TopicMessage[]): Promise<readonly AppendResult[]> {
    const bytes = messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
    const refusal = messages.length === 0 ? undefined : this.#refusal(bytes)
    if (refusal !== undefined) return messages.map(() => ({ error: refusal }))
    const results = new PendingResults(messages.length)
    const deadlineMs = this.#clock.steady() + this.#options.timeoutMs
    this.#waitingBytes += bytes
    this.#pending.add(results.all)
    // One call after the other, so that messages are sent in the order in which they were appended.
    this.#routing = this.#routing.then(() => this.#route({ messages, results, deadlineMs }))
    const all = await results.all
    this.#waitingBytes -= bytes
    this.#pending.delete(results.all)
    this.#count(all)
    return all
  }

  /** Waits some seconds for accepted messages, and gives up the rest. */
  async close(): Promise<void> {
    this.#isClosed = true
    const settled = Promise.all(this.#pending)
    const timeout = new AbortController()
    await Promise.race([settled, setTimeout(closeTimeoutMs, undefined, timeout).catch(() => {})])
    timeout.abort()
    this.#closing.abort()
    for (const appender of this.#appenders.values()) appender.close()
    await settled
    for (const producer of this.#producers.values()) await producer.close()
  }

  #refusal(bytes: number): UnsentError | undefined {
    if (this.#isClosed) return new UnsentError('the log was closed')
    if (this.#waitingBytes === 0 || this.#waitingBytes + bytes <= maxWaitingBytes) return undefined
    return new UnsentError(`${this.#waitingBytes} bytes wait to be appended: try again later`)
  }

  #count(results: readonly AppendResult[]): void {
    const { stats } = this.#options.reporter
    const failed = results.filter(result => 'error' in result).length
    stats.failedEvents += failed
    stats.appendedEvents += results.length - failed
  }

  /** Hands the messages of a call to the appenders of their partitions. */
  async #route({ messages, results, deadlineMs }: AppendCall): Promise<void> {
    const refusal = await this.#findTopics(new Set(messages.map(({ topic }) => topic)), deadlineMs)
    for (const [index, { topic, ...message }] of messages.entries()) {
      const partition = this.#partitionOf(topic, message.key)
      if (partition === undefined || this.#closing.signal.aborted) {
        results.put(index, { error: refusal ?? this.#noPartitionError(topic) })
        continue
      }
      const settle = (result: SendResult) => void this.#settle(partition, result, results.at(index))
      this.#appender(partition).add({ ...message, deadlineMs, settle })
    }
  }

  /** Waits for unknown topics, as long as Kafka answers. Refreshes known ones in the background. */
  async #findTopics(topics: ReadonlySet<string>, deadlineMs: number): Promise<RefusedError | undefined> {
    const { cluster } = this.#options
    if ([...topics].every(topic => cluster.topic(topic) !== undefined)) {
      // A failure is logged. The append continues with the topics as they are known.
      cluster.refreshIfOlder(metadataAgeMs).catch(() => {})
      return undefined
    }
    const timeoutMs = deadlineMs - this.#clock.steady()
    if (timeoutMs <= 0) return undefined
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(Math.ceil(timeoutMs))])
    try {
      await retry(() => unlessRefused(cluster.refresh()), { signal, timeoutMs, clock: this.#clock })
    } catch (error) {
      if (error instanceof RefusedError) return error
    }
    return undefined
  }

  #partitionOf(topic: string, key: string): Partition | undefined {
    const { cluster } = this.#options
    const count = cluster.topic(topic)?.partitions.length ?? 0
    if (count === 0) return undefined
    return cluster.partition(topic, murmur2(Buffer.from(key)) % count)
  }

  #noPartitionError(topic: string): UnsentError | RefusedError {
    if (this.#closing.signal.aborted) return new UnsentError('the log was closed')
    if (this.#options.cluster.errorOf(topic) !== kafkaErrorCodes.topicAuthorizationFailed) {
      return new UnsentError(`the topic ${topic} does not exist or cannot be reached`)
    }
    const cure = 'the user needs the ACL Write on the topic, or it does not exist'
    const message = `${topic}: Kafka answered TOPIC_AUTHORIZATION_FAILED; ${cure}`
    return new RefusedError(message, { reason: 'forbidden' })
  }

  async #settle(
    partition: Partition,
    result: SendResult,
    put: (result: AppendResult) => void,
  ): Promise<void> {
    if ('error' in result) return put(result)
    put({ position: await this.#epochs.positionOf(partition, result.offset) })
  }

  #appender(partition: Partition): PartitionAppender {
    const known = this.#appenders.get(partition)
    if (known !== undefined) return known
    const { stats } = this.#options.reporter
    const onRetry = () => {
      stats.appendRetries += 1
    }
    const producers = this.#producersOf(partition.topic)
    const appender = new PartitionAppender({ ...partition, producers, onRetry, clock: this.#clock })
    this.#appenders.set(partition, appender)
    return appender
  }

  #producersOf(topic: string): SharedProducer {
    const { client, timeoutMs } = this.#options
    const limits = { signal: this.#closing.signal, timeoutMs, clock: this.#clock }
    const known = this.#producers.get(topic)
    const producers = known ?? new SharedProducer(() => retry(() => client.createProducer(), limits))
    this.#producers.set(topic, producers)
    return producers
  }
}

/** The results of one call of `append`, which come one by one, in any order. */
class PendingResults {
  /** Resolves with the results, in the order of the messages, when all have come. */
  readonly all: Promise<readonly AppendResult[]>
  readonly #results: AppendResult[]
  readonly #complete: (results: readonly AppendResult[]) => void
  #missing: number

  constructor(count: number) {
    const { promise, resolve } = Promise.withResolvers<readonly AppendResult[]>()
    this.all = promise
    this.#complete = resolve
    this.#missing = count
    this.#results = Array.from({ length: count })
    if (count === 0) resolve([])
  }

  /** Returns a function to be called once, with the result at `index`. */
  at(index: number): (result: AppendResult) => void {
    return result => this.put(index, result)
  }

  /** Sets the result at `index`, once. */
  put(index: number, result: AppendResult): void {
    this.#results[index] = result
    this.#missing -= 1
    if (this.#missing === 0) this.#complete(this.#results)
  }
}

const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/**
 * The hash by which Java's producer and kafkajs choose the partition of a key, so that one key lands in one
 * partition whichever producer wrote it. Not negative.
 */
export function murmur2(bytes: Buffer): number {
  const wholeWords = bytes.length & ~3
  let hash = seed ^ bytes.length
  for (let at = 0; at < wholeWords; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), multiplier)
    word ^= word >>> 24
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier)
  }
  for (let at = bytes.length - 1; at >= wholeWords; at -= 1) hash ^= bytes.readUInt8(at) << (8 * (at & 3))
  if (wholeWords < bytes.length) hash = Math.imul(hash, multiplier)
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  hash ^= hash >>> 15
  return hash & 0x7fffffff
}
