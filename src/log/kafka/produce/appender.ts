import { setTimeout } from 'node:timers/promises'
import type { AppendResult, Partition } from '../../event-log.ts'
import type { KafkaClient, OutgoingMessage } from '../connection/broker-connection.ts'
import type { Cluster, PartitionTable } from '../connection/cluster.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { RefusedError, UnsentError, unlessRefused } from '../kafka-error.ts'
import { kafkaErrorCodes } from '../protocol/kafka-request.ts'
import { retry } from '../retry.ts'
import { AppendEpochs } from './append-epochs.ts'
import type { SendResult } from './batch-delivery.ts'
import { PartitionAppender } from './partition-appender.ts'
import { SharedProducer } from './shared-producer.ts'

/** What may wait to be appended; a single call may bring more where nothing waits. */
const waitingBytesLimit = 64 * 1024 * 1024
/** The age at which the partitions are looked up again. */
const metadataAgeMs = 3000
const closingMs = 5000

interface AppenderOptions {
  readonly client: KafkaClient
  readonly cluster: Cluster
  readonly partitions: PartitionTable
  readonly reporter: FaultReporter
  /** How long a message is tried before its append has failed. */
  readonly timeoutMs: number
}

/** A message and where it goes; its key decides the partition. */
interface TopicMessage extends OutgoingMessage {
  readonly topic: string
}

/** One call of `append`. */
interface Call {
  readonly messages: readonly TopicMessage[]
  readonly answers: AppendAnswers
  readonly deadlineMs: number
}

/**
 * Appends messages to Kafka, in the order of the calls for each key. A producer per topic, so that a topic that is
 * missing harms no other. An error does not say that the message was not written, since the answer may have been lost; an
 * `UnsentError` and a `RefusedError` do.
 */
export class Appender {
  readonly #options: AppenderOptions
  readonly #epochs: AppendEpochs
  readonly #producers = new Map<string, SharedProducer>()
  readonly #appenders = new Map<Partition, PartitionAppender>()
  readonly #closing = new AbortController()
  /** The calls that are not answered yet. */
  readonly #pending = new Set<Promise<unknown>>()
  #routing: Promise<void> = Promise.resolve()
  #waitingBytes = 0
  #isClosed = false

  constructor(options: AppenderOptions) {
    this.#options = options
    this.#epochs = new AppendEpochs(options.cluster)
  }

  /** Resolves with a position or an error per message, in order. Never rejects. */
  async append(messages: readonly TopicMessage[]): Promise<readonly AppendResult[]> {
    const bytes = messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
    const refusal = messages.length === 0 ? undefined : this.#refusal(bytes)
    if (refusal !== undefined) return messages.map(() => ({ error: refusal }))
    const answers = new AppendAnswers(messages.length)
    const deadlineMs = performance.now() + this.#options.timeoutMs
    this.#waitingBytes += bytes
    this.#pending.add(answers.all)
    // One call after the other, so that what was appended first is also sent first.
    this.#routing = this.#routing.then(() => this.#route({ messages, answers, deadlineMs }))
    const results = await answers.all
    this.#waitingBytes -= bytes
    this.#pending.delete(answers.all)
    this.#count(results)
    return results
  }

  /** Waits some seconds for what was accepted, and gives up the rest. */
  async close(): Promise<void> {
    this.#isClosed = true
    const answered = Promise.all(this.#pending)
    const patience = new AbortController()
    await Promise.race([answered, setTimeout(closingMs, undefined, patience).catch(() => {})])
    patience.abort()
    this.#closing.abort()
    for (const appender of this.#appenders.values()) appender.close()
    await answered
    for (const producer of this.#producers.values()) await producer.close()
  }

  #refusal(bytes: number): UnsentError | undefined {
    if (this.#isClosed) return new UnsentError('the log was closed')
    if (this.#waitingBytes === 0 || this.#waitingBytes + bytes <= waitingBytesLimit) return undefined
    return new UnsentError(`${this.#waitingBytes} bytes wait to be appended: try again later`)
  }

  #count(results: readonly AppendResult[]): void {
    const { stats } = this.#options.reporter
    const failed = results.filter(result => 'error' in result).length
    stats.failedEvents += failed
    stats.appendedEvents += results.length - failed
  }

  /** Hands the messages of a call to the appenders of their partitions. */
  async #route({ messages, answers, deadlineMs }: Call): Promise<void> {
    const refusal = await this.#findTopics(new Set(messages.map(({ topic }) => topic)), deadlineMs)
    for (const [index, { topic, ...message }] of messages.entries()) {
      const partition = this.#partitionOf(topic, message.key)
      if (partition === undefined || this.#closing.signal.aborted) {
        answers.put(index, { error: refusal ?? this.#whyNowhere(topic) })
        continue
      }
      const settle = (result: SendResult) => void this.#answer(partition, result, answers.at(index))
      this.#appender(partition).add({ ...message, deadlineMs, settle })
    }
  }

  /** Waits for topics that are not known, as far as Kafka answers; what is known of the others is renewed meanwhile. */
  async #findTopics(topics: ReadonlySet<string>, deadlineMs: number): Promise<RefusedError | undefined> {
    const { cluster } = this.#options
    if ([...topics].every(topic => cluster.topic(topic) !== undefined)) {
      // Its failure is logged; the append goes on with what is known.
      cluster.refreshIfOlder(metadataAgeMs).catch(() => {})
      return undefined
    }
    const timeoutMs = deadlineMs - performance.now()
    if (timeoutMs <= 0) return undefined
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(Math.ceil(timeoutMs))])
    try {
      await retry(() => unlessRefused(cluster.refresh()), { signal, timeoutMs })
    } catch (error) {
      if (error instanceof RefusedError) return error
    }
    return undefined
  }

  #partitionOf(topic: string, key: string): Partition | undefined {
    const count = this.#options.cluster.topic(topic)?.partitions.length ?? 0
    if (count === 0) return undefined
    return this.#options.partitions.of(topic, murmur2(Buffer.from(key)) % count)
  }

  #whyNowhere(topic: string): UnsentError | RefusedError {
    if (this.#closing.signal.aborted) return new UnsentError('the log was closed')
    if (this.#options.cluster.errorOf(topic) !== kafkaErrorCodes.topicAuthorizationFailed) {
      return new UnsentError(`the topic ${topic} does not exist or cannot be reached`)
    }
    const message = `${topic}: Kafka answered TOPIC_AUTHORIZATION_FAILED; the user needs the ACL Write on the topic, or it does not exist`
    return new RefusedError(message, { reason: 'forbidden' })
  }

  async #answer(
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
    const appender = new PartitionAppender({ ...partition, producers, onRetry })
    this.#appenders.set(partition, appender)
    return appender
  }

  #producersOf(topic: string): SharedProducer {
    const { client, timeoutMs } = this.#options
    const patience = { signal: this.#closing.signal, timeoutMs }
    const known = this.#producers.get(topic)
    const producers = known ?? new SharedProducer(() => retry(() => client.createProducer(), patience))
    this.#producers.set(topic, producers)
    return producers
  }
}

/** The answers to one call of `append`, which come one by one, in any order. */
class AppendAnswers {
  /** Resolves with the answers, in the order of the events, when all have come. */
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

  /** What answers the event at `index`, to be called once. */
  at(index: number): (result: AppendResult) => void {
    return result => this.put(index, result)
  }

  /** Answers the event at `index`, once. */
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
 * partition whoever wrote it. Not negative.
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
