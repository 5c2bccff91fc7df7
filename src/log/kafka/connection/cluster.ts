import type { Partition } from '../../event-log.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { KafkaError } from '../kafka-error.ts'
import { kafkaErrorCodes } from '../protocol/kafka-request.ts'
import {
  type BrokerAddress,
  type Metadata,
  type TopicMetadata,
  metadataRequest,
} from '../protocol/metadata-request.ts'
import type { BrokerConnection, KafkaClient } from './broker-connection.ts'

interface ClusterOptions {
  readonly client: KafkaClient
  /** Where to begin. */
  readonly seeds: readonly BrokerAddress[]
  readonly topics: readonly string[]
  readonly reporter: FaultReporter
}

/** What is known of the brokers and of the log's topics, by a connection of its own. */
export class Cluster {
  readonly #client: KafkaClient
  readonly #seeds: readonly BrokerAddress[]
  readonly #topicNames: readonly string[]
  readonly #reporter: FaultReporter
  #metadata: Metadata = { brokers: new Map(), topics: [] }
  #version = 0
  #refreshedAtMs = Number.NEGATIVE_INFINITY
  #refreshing: Promise<void> | undefined
  #connection: BrokerConnection | undefined
  #isClosed = false

  constructor({ client, seeds, topics, reporter }: ClusterOptions) {
    this.#client = client
    this.#seeds = seeds
    this.#topicNames = topics
    this.#reporter = reporter
  }

  /** How often the cluster was looked up: what was wrong at one version may be right at the next. */
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

  /** What Kafka answered when it was last asked for the topic; none (0) where it never was. */
  errorOf(name: string): number {
    return this.#metadata.topics.find(({ topic }) => topic === name)?.errorCode ?? kafkaErrorCodes.none
  }

  /** Node id of the partition's leader, if it has one. */
  leaderOf({ topic, partition }: Partition): number | undefined {
    return this.topic(topic)?.partitions.find(each => each.partition === partition)?.leader
  }

  addressOf(node: number): BrokerAddress | undefined {
    return this.#metadata.brokers.get(node)
  }

  /** Looks the cluster up, once for all who ask meanwhile. Rejects with a `KafkaError` if no broker answers. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** Looks the cluster up unless that has been done lately. */
  async refreshIfOlder(thanMs: number): Promise<void> {
    if (performance.now() - this.#refreshedAtMs > thanMs) await this.refresh()
  }

  close(): void {
    this.#isClosed = true
    this.#connection?.close()
  }

  async #refresh(): Promise<void> {
    this.#metadata = await this.#ask()
    this.#version += 1
    this.#refreshedAtMs = performance.now()
    this.#reporter.stats.metadataRefreshes += 1
    this.#reporter.reached('cluster')
    for (const { topic, errorCode } of this.#metadata.topics) {
      if (errorCode === kafkaErrorCodes.none) this.#reporter.topicFound(topic)
      else this.#reporter.topicMissing(topic, errorCode)
    }
  }

  /** Asks the broker that answered last, then every other one that is known. */
  async #ask(): Promise<Metadata> {
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

  async #connect(address: BrokerAddress | undefined): Promise<BrokerConnection | undefined> {
    if (this.#isClosed) throw new KafkaError('the log was closed', { severity: 'fatal' })
    if (address === undefined) return this.#connection
    const connection = await this.#client.connect(address)
    if (this.#isClosed) connection.close()
    this.#connection = connection
    return connection
  }
}

/** Hands out one and the same object per partition. */
export class PartitionTable {
  readonly #topics = new Map<string, Map<number, Partition>>()

  of(topic: string, partition: number): Partition {
    const partitions = this.#topics.get(topic) ?? new Map<number, Partition>()
    this.#topics.set(topic, partitions)
    const known = partitions.get(partition) ?? { topic, partition }
    partitions.set(partition, known)
    return known
  }
}
