import { type Clock, systemClock } from '../../../system/clock.ts'
import type { Partition } from '../../event-log.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { KafkaError } from '../kafka-error.ts'
import { kafkaErrorCodes } from '../protocol/kafka-request.ts'
import {
  type BrokerAddress,
  type Metadata,
  metadataRequest,
  type TopicMetadata,
} from '../protocol/metadata-request.ts'
import type { BrokerConnection, KafkaClient } from './broker-connection.ts'

export interface ClusterOptions {
  readonly client: KafkaClient
  /** The brokers to ask first. */
  readonly seeds: readonly BrokerAddress[]
  readonly topics: readonly string[]
  readonly reporter: FaultReporter
  readonly clock?: Clock
}

/** The brokers and the log's topics, as last looked up over a connection of its own. */
export class Cluster {
  readonly #client: KafkaClient
  readonly #seeds: readonly BrokerAddress[]
  readonly #topicNames: readonly string[]
  readonly #reporter: FaultReporter
  readonly #clock: Clock
  readonly #partitions = new Map<string, Map<number, Partition>>()
  #metadata: Metadata = { brokers: new Map(), topics: [] }
  #version = 0
  #refreshedAtMs = Number.NEGATIVE_INFINITY
  #refreshing: Promise<void> | undefined
  #connection: BrokerConnection | undefined
  #isClosed = false

  constructor({ client, seeds, topics, reporter, clock = systemClock }: ClusterOptions) {
    this.#client = client
    this.#seeds = seeds
    this.#topicNames = topics
    this.#reporter = reporter
    this.#clock = clock
  }

  /** Counts the look-ups. A fault seen at one version may be gone at the next. */
  get version(): number {
    return this.#version
  }

  /** The topics that exist. */
  get topics(): readonly TopicMetadata[] {
    return this.#metadata.topics.filter(({ errorCode }) => errorCode === kafkaErrorCodes.none)
  }

  topic(name: string): TopicMetadata | undefined {
    return this.topics.find(({ topic }) => topic === name)
  }

  /** The error code of the last answer about a topic; `none` (0) if there was no answer yet. */
  errorOf(name: string): number {
    return this.#metadata.topics.find(({ topic }) => topic === name)?.errorCode ?? kafkaErrorCodes.none
  }

  /** One and the same object for each partition, whether it exists or not. */
  partition(topic: string, number: number): Partition {
    const partitions = this.#partitions.get(topic) ?? new Map<number, Partition>()
    this.#partitions.set(topic, partitions)
    const partition = partitions.get(number) ?? { topic, partition: number }
    partitions.set(number, partition)
    return partition
  }

  /** The broker id of the partition's leader, if it has one. */
  leaderOf({ topic, partition }: Partition): number | undefined {
    return this.topic(topic)?.partitions.find(each => each.partition === partition)?.leader
  }

  addressOf(broker: number): BrokerAddress | undefined {
    return this.#metadata.brokers.get(broker)
  }

  /** Looks the cluster up, once for simultaneous calls. Rejects with a `KafkaError` if no broker answers. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** Looks the cluster up unless the last look-up is younger than `ageMs`. */
  async refreshIfOlder(ageMs: number): Promise<void> {
    if (this.#clock.steady() - this.#refreshedAtMs > ageMs) await this.refresh()
  }

  close(): void {
    this.#isClosed = true
    this.#connection?.close()
  }

  async #refresh(): Promise<void> {
    this.#metadata = await this.#askBrokers()
    this.#version += 1
    this.#refreshedAtMs = this.#clock.steady()
    this.#reporter.stats.metadataRefreshes += 1
    this.#reporter.reached('cluster')
    for (const { topic, errorCode } of this.#metadata.topics) {
      if (errorCode === kafkaErrorCodes.none) this.#reporter.topicFound(topic)
      else this.#reporter.topicMissing(topic, errorCode)
    }
  }

  /** Asks the broker that answered last, then all others in turn. */
  async #askBrokers(): Promise<Metadata> {
    let failure: unknown
    for (const address of [undefined, ...this.#metadata.brokers.values(), ...this.#seeds]) {
      try {
        const connection = await this.#connect(address)
        if (connection !== undefined) return await connection.send(metadataRequest(this.#topicNames))
      } catch (error) {
        this.#connection?.close()
        this.#connection = undefined
        failure = error
      }
    }
    if (!this.#isClosed) this.#reporter.connectionFailed(failure, 'cluster')
    throw new KafkaError('no broker answers', { cause: failure })
  }

  /** A new connection to the address, or the last one if the address is `undefined`. */
  async #connect(address: BrokerAddress | undefined): Promise<BrokerConnection | undefined> {
    if (this.#isClosed) throw new KafkaError('the log was closed', { severity: 'fatal' })
    if (address === undefined) return this.#connection
    const connection = await this.#client.connect(address)
    if (this.#isClosed) connection.close()
    this.#connection = connection
    return connection
  }
}
