import { type Clock, systemClock } from '../../system/clock.ts'
import type { MarketEvent } from '../../event/event.ts'
import type { WarnLog } from '../../diagnostics/rate-limited-log.ts'
import type { AppendResult, Ends, EventLog, LogBatch, Partition, Position } from '../event-log.ts'
import { recordKeyOf, topicOf, type Topics } from '../topics.ts'
import { brokerAddress, type KafkaClient } from './connection/broker-connection.ts'
import { Cluster } from './connection/cluster.ts'
import type { KafkaAccess } from './connection/kafka-access.ts'
import { KafkajsClient } from './connection/kafkajs-client.ts'
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
  /** How often a tail looks for partitions and topics that are new or were recreated; 3 s if left out. */
  readonly lookUpIntervalMs?: number
  /** How long a question (`ends`, `offsetAt`, each step of a `range`) is tried; 10 s if left out. */
  readonly questionTimeoutMs?: number
  /** How long an event is tried before its append has failed; 30 s if left out. */
  readonly appendTimeoutMs?: number
  readonly clock?: Clock
}

const defaultLookUpIntervalMs = 3000
const defaultQuestionTimeoutMs = 10_000
const defaultAppendTimeoutMs = 30_000

/** Opens the log in Kafka, 3.1 or later. It connects when it is first used, and must be closed in the end. */
export function createKafkaLog(options: KafkaLogOptions): KafkaLog {
  return new KafkaLog(options, new KafkajsClient(options, options.clock))
}

/**
 * The log in Kafka. Reads committed data only, without a consumer group, and tells incarnations of topics
 * apart by their ids. Each tail has connections of its own. Ranges and questions share theirs, and so do
 * appends.
 */
export class KafkaLog implements EventLog {
  readonly #client: KafkaClient
  readonly #reporter: FaultReporter
  readonly #stableEnds: StableEnds
  readonly #silent: SilentPartitions
  readonly #cluster: Cluster
  readonly #connections: LeaderConnections
  readonly #lookup: OffsetLookup
  readonly #appender: Appender
  readonly #topics: Topics
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #lookUpIntervalMs: number
  readonly #questionTimeoutMs: number

  constructor(options: KafkaLogOptions, client: KafkaClient) {
    const { topics, clock = systemClock, appendTimeoutMs: timeoutMs = defaultAppendTimeoutMs } = options
    const reporter = new FaultReporter(options.logger, clock)
    const seeds = options.brokers.map(brokerAddress)
    const topicNames = [...new Set(Object.values(topics))]
    const cluster = new Cluster({ client, seeds, topics: topicNames, reporter, clock })
    this.#client = client
    this.#topics = topics
    this.#reporter = reporter
    this.#clock = clock
    this.#stableEnds = new StableEnds(clock)
    this.#silent = new SilentPartitions(clock)
    this.#cluster = cluster
    this.#connections = new LeaderConnections(client, cluster)
    this.#lookup = new OffsetLookup(this.#connections)
    this.#appender = new Appender({ client, cluster, reporter, timeoutMs, clock })
    this.#lookUpIntervalMs = options.lookUpIntervalMs ?? defaultLookUpIntervalMs
    this.#questionTimeoutMs = options.questionTimeoutMs ?? defaultQuestionTimeoutMs
  }

  /** Counters since the log was opened. */
  get stats(): Readonly<KafkaStats> {
    return this.#reporter.stats
  }

  /** The part beyond the last stable offset, of each partition that a tail follows now. */
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
    const lookUp = async () => {
      await this.#cluster.refresh()
      return this.#beginnings()
    }
    return retry(lookUp, { signal: this.#untilClosed(signal) })
  }

  tail(from: readonly Position[], signal: AbortSignal): AsyncIterable<readonly LogBatch[]> {
    return readTail({
      client: this.#client,
      cluster: this.#cluster,
      reporter: this.#reporter,
      stableEnds: this.#stableEnds,
      silent: this.#silent,
      from,
      lookUpIntervalMs: this.#lookUpIntervalMs,
      signal: this.#untilClosed(signal),
    })
  }

  /** Rejects with a `KafkaError` when Kafka does not answer in time, or the topic is recreated meanwhile. */
  range(
    partition: Partition,
    from: number,
    to: number,
    signal: AbortSignal,
    fetchBytes?: number,
  ): AsyncIterable<LogBatch> {
    return readRange({
      cluster: this.#cluster,
      connections: this.#connections,
      reporter: this.#reporter,
      partition: this.#cluster.partition(partition.topic, partition.partition),
      from,
      to,
      fetchBytes,
      timeoutMs: this.#questionTimeoutMs,
      clock: this.#clock,
      signal: this.#untilClosed(signal),
    })
  }

  /** Rejects with a `KafkaError` when Kafka does not answer in time. */
  ends(partition: Partition): Promise<Ends> {
    return this.#ask(async () => {
      const first = await this.#lookup.offsetOf(partition, firstOffset)
      return { first, stable: await this.#lookup.offsetOf(partition, lastStableOffset) }
    })
  }

  /** Rejects with a `KafkaError` when Kafka does not answer in time. */
  offsetAt(partition: Partition, timeMs: number): Promise<number> {
    return this.#ask(async () => {
      // The end first: a record written between the questions is late enough, and must not lie before the
      // result.
      const end = await this.#lookup.offsetOf(partition, lastStableOffset)
      // To Kafka, negative times stand for the ends of a partition.
      const offset = await this.#lookup.offsetOf(partition, Math.max(0, Math.ceil(timeMs)))
      return offset >= 0 ? offset : end
    })
  }

  /** Tries for `appendTimeoutMs`. After an error the event may be in the log, if the answer was lost. */
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

  /** Waits some seconds for events that are being appended. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#appender.close()
    this.#connections.close()
    this.#cluster.close()
  }

  async #beginnings(): Promise<readonly Position[]> {
    const epochs = new Map<Partition, string>()
    for (const { topic, epoch, partitions } of this.#cluster.topics) {
      for (const { partition } of partitions) epochs.set(this.#cluster.partition(topic, partition), epoch)
    }
    const firsts = await this.#lookup.offsetsOf([...epochs.keys()], firstOffset)
    return [...epochs].map(([partition, epoch]) => ({ partition, epoch, offset: firsts.get(partition) ?? 0 }))
  }

  #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    const limits = { signal: this.#closing.signal, timeoutMs: this.#questionTimeoutMs, clock: this.#clock }
    return retry(async failures => {
      if (failures > 0 || this.#cluster.version === 0) await this.#cluster.refresh()
      return question()
    }, limits)
  }

  #untilClosed(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal])
  }
}
