import type { WarnLog } from '../../diagnostics/rate-limited-log.ts'
import type { MarketEvent } from '../../event/event.ts'
import type { AppendResult, Ends, EventLog, LogBatch, Partition, Position } from '../event-log.ts'
import { type Topics, recordKeyOf, topicOf } from '../topics.ts'
import { type KafkaClient, brokerAddress } from './connection/broker-connection.ts'
import { Cluster, PartitionTable } from './connection/cluster.ts'
import { KafkajsClient } from './connection/kafkajs-client.ts'
import type { KafkaAccess } from './connection/kafkajs-config.ts'
import { LeaderConnections, OffsetLookup } from './connection/leader-connections.ts'
import { readRange } from './consume/read-range.ts'
import { readTail } from './consume/read-tail.ts'
import { SilentPartitions } from './consume/silent-partitions.ts'
import { StableEnds, type UnstableEnd } from './consume/stable-ends.ts'
import { FaultReporter } from './fault-reporter.ts'
import type { KafkaStats } from './kafka-stats.ts'
import { Appender } from './produce/appender.ts'
import { firstOffset, lastStableOffset } from './protocol/list-offsets-request.ts'
import { retry } from './retry.ts'

export interface KafkaLogOptions extends KafkaAccess {
  readonly topics: Topics
  readonly logger: WarnLog
  /** How often a tail looks for partitions and topics that are new or were made again; 3 s if left out. */
  readonly lookUpIntervalMs?: number
  /** How long a question (`ends`, `offsetAt`, each step of a `range`) is tried; 10 s if left out. */
  readonly questionTimeoutMs?: number
  /** How long an event is tried before its append has failed; 30 s if left out. */
  readonly appendTimeoutMs?: number
  /** Milliseconds, never set back; `performance.now` if left out. */
  readonly clock?: () => number
}

const defaultLookUpIntervalMs = 3000
const defaultQuestionTimeoutMs = 10_000
const defaultAppendTimeoutMs = 30_000

/** Opens the log in Kafka, 3.1 or later. Connects when it is first used; `close` it in the end. */
export function createKafkaLog(options: KafkaLogOptions): KafkaLog {
  const client = new KafkajsClient(options)
  return new KafkaLog(options, client)
}

/**
 * The log in Kafka. Reads without a consumer group, committed data only, and knows the incarnations of topics by
 * their ids. Each tail has connections of its own, ranges and questions share theirs, and so do appends.
 */
export class KafkaLog implements EventLog {
  readonly #client: KafkaClient
  readonly #reporter: FaultReporter
  readonly #stableEnds: StableEnds
  readonly #silent: SilentPartitions
  readonly #partitions = new PartitionTable()
  readonly #cluster: Cluster
  readonly #connections: LeaderConnections
  readonly #lookup: OffsetLookup
  readonly #appender: Appender
  readonly #topics: Topics
  readonly #closing = new AbortController()
  readonly #lookUpIntervalMs: number
  readonly #questionTimeoutMs: number

  constructor(options: KafkaLogOptions, client: KafkaClient) {
    const { topics, appendTimeoutMs: timeoutMs = defaultAppendTimeoutMs } = options
    const reporter = new FaultReporter(options.logger)
    const seeds = options.brokers.map(brokerAddress)
    const cluster = new Cluster({ client, seeds, topics: [...new Set(Object.values(topics))], reporter })
    const partitions = this.#partitions
    this.#client = client
    this.#topics = topics
    this.#reporter = reporter
    const clock = options.clock ?? (() => performance.now())
    this.#stableEnds = new StableEnds(clock)
    this.#silent = new SilentPartitions(clock)
    this.#cluster = cluster
    this.#connections = new LeaderConnections(client, cluster)
    this.#lookup = new OffsetLookup(this.#connections)
    this.#appender = new Appender({ client, cluster, partitions, reporter, timeoutMs })
    this.#lookUpIntervalMs = options.lookUpIntervalMs ?? defaultLookUpIntervalMs
    this.#questionTimeoutMs = options.questionTimeoutMs ?? defaultQuestionTimeoutMs
  }

  /** What was counted since the log was opened. */
  get stats(): Readonly<KafkaStats> {
    return this.#reporter.stats
  }

  /** What lies beyond the last stable offset of each partition that a tail follows now. */
  get unstableEnds(): readonly UnstableEnd[] {
    return this.#stableEnds.read()
  }

  get silentSinceMs(): number | undefined {
    return this.#silent.sinceMs
  }

  get trouble(): string | undefined {
    return this.#reporter.trouble
  }

  partitions(signal: AbortSignal): Promise<readonly Position[]> {
    const patience = { signal: this.#until(signal), timeoutMs: Number.POSITIVE_INFINITY }
    return retry(async () => {
      await this.#cluster.refresh()
      return this.#beginnings()
    }, patience)
  }

  tail(from: readonly Position[], signal: AbortSignal): AsyncIterable<readonly LogBatch[]> {
    return readTail({
      client: this.#client,
      cluster: this.#cluster,
      partitions: this.#partitions,
      reporter: this.#reporter,
      stableEnds: this.#stableEnds,
      silent: this.#silent,
      from,
      lookUpIntervalMs: this.#lookUpIntervalMs,
      signal: this.#until(signal),
    })
  }

  /** Rejects with a `KafkaError` when Kafka does not answer in time, or the topic is made again meanwhile. */
  range(partition: Partition, from: number, to: number, signal: AbortSignal): AsyncIterable<LogBatch> {
    return readRange({
      cluster: this.#cluster,
      connections: this.#connections,
      reporter: this.#reporter,
      partition: this.#partitions.of(partition.topic, partition.partition),
      from,
      to,
      timeoutMs: this.#questionTimeoutMs,
      signal: this.#until(signal),
    })
  }

  /** Rejects with a `KafkaError` when Kafka does not answer in time. */
  ends(partition: Partition): Promise<Ends> {
    return this.#ask(async () => {
      const first = await this.#lookup.one(partition, firstOffset)
      return { first, stable: await this.#lookup.one(partition, lastStableOffset) }
    })
  }

  /** Rejects with a `KafkaError` when Kafka does not answer in time. */
  offsetAt(partition: Partition, timeMs: number): Promise<number> {
    return this.#ask(async () => {
      // The end comes first: what is written between the questions is not older, and must not lie before the answer.
      const end = await this.#lookup.one(partition, lastStableOffset)
      // Kafka takes negative times for other questions.
      const offset = await this.#lookup.one(partition, Math.max(0, Math.ceil(timeMs)))
      return offset >= 0 ? offset : end
    })
  }

  /** Tries for `appendTimeoutMs`. After an error the event may be in the log all the same: the answer was lost. */
  append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]> {
    const topics = this.#topics
    return this.#appender.append(
      events.map(event => ({
        topic: topicOf(event, topics),
        key: recordKeyOf(event),
        value: Buffer.from(JSON.stringify(event)),
      })),
    )
  }

  /** Waits some seconds for what is being appended. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#appender.close()
    this.#connections.close()
    this.#cluster.close()
  }

  async #beginnings(): Promise<readonly Position[]> {
    const epochs = new Map<Partition, string>()
    for (const { topic, epoch, partitions } of this.#cluster.topics) {
      for (const { partition } of partitions) epochs.set(this.#partitions.of(topic, partition), epoch)
    }
    const firsts = await this.#lookup.each([...epochs.keys()], firstOffset)
    return [...epochs].map(([partition, epoch]) => ({ partition, epoch, offset: firsts.get(partition) ?? 0 }))
  }

  #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    const patience = { signal: this.#closing.signal, timeoutMs: this.#questionTimeoutMs }
    return retry(async failures => {
      if (failures > 0 || this.#cluster.version === 0) await this.#cluster.refresh()
      return question()
    }, patience)
  }

  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal])
  }
}
