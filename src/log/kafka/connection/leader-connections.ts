import type { Partition } from '../../event-log.ts'
import { KafkaError } from '../kafka-error.ts'
import { brokerError, kafkaErrorCodes } from '../protocol/kafka-request.ts'
import { listOffsetsRequest } from '../protocol/list-offsets-request.ts'
import type { BrokerConnection, KafkaClient } from './broker-connection.ts'
import type { Cluster } from './cluster.ts'

/** Connections to the leaders of partitions: one for each broker, opened when needed, and shared. */
export class LeaderConnections {
  readonly #client: KafkaClient
  readonly #cluster: Cluster
  /** By broker id. */
  readonly #connecting = new Map<number, Promise<BrokerConnection>>()
  readonly #brokers = new WeakMap<BrokerConnection, number>()
  #isClosed = false

  constructor(client: KafkaClient, cluster: Cluster) {
    this.#client = client
    this.#cluster = cluster
  }

  /** The connection to the partition's leader, as last looked up. Rejects with a `KafkaError`. */
  async to(partition: Partition): Promise<BrokerConnection> {
    if (this.#isClosed) throw new KafkaError('the log was closed', { severity: 'fatal' })
    const broker = this.#cluster.leaderOf(partition)
    if (broker === undefined) throw new KafkaError(`${nameOf(partition)} has no leader`)
    const connecting = this.#connecting.get(broker) ?? this.#connect(broker)
    this.#connecting.set(broker, connecting)
    return connecting
  }

  /** Does some work with a connection, which is closed and replaced if the work fails. */
  async using<Result>(connection: BrokerConnection, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      connection.close()
      const broker = this.#brokers.get(connection)
      this.#brokers.delete(connection)
      if (broker !== undefined) this.#connecting.delete(broker)
      throw error
    }
  }

  close(): void {
    this.#isClosed = true
    for (const connecting of this.#connecting.values()) {
      connecting.then(connection => connection.close()).catch(() => {})
    }
    this.#connecting.clear()
  }

  async #connect(broker: number): Promise<BrokerConnection> {
    try {
      const address = this.#cluster.addressOf(broker)
      if (address === undefined) throw new KafkaError(`broker ${broker} is not in the cluster`)
      const connection = await this.#client.connect(address)
      this.#brokers.set(connection, broker)
      return connection
    } catch (error) {
      this.#connecting.delete(broker)
      throw error
    }
  }
}

/** Asks the leaders of partitions for offsets, without retries. Every method rejects with a `KafkaError`. */
export class OffsetLookup {
  readonly #connections: LeaderConnections

  constructor(connections: LeaderConnections) {
    this.#connections = connections
  }

  /** The offset of one partition at `timeMs`, or at one of its ends. */
  async offsetOf(partition: Partition, timeMs: number): Promise<number> {
    const offset = (await this.offsetsOf([partition], timeMs)).get(partition)
    if (offset === undefined) throw new KafkaError(`${nameOf(partition)}: Kafka answered no offset`)
    return offset
  }

  /** The offset of each partition at `timeMs`, or at one of its ends. */
  async offsetsOf(partitions: readonly Partition[], timeMs: number): Promise<ReadonlyMap<Partition, number>> {
    const leaders = new Map<Partition, BrokerConnection>()
    for (const partition of partitions) leaders.set(partition, await this.#connections.to(partition))
    const answers = [...Map.groupBy(leaders, ([, leader]) => leader)].map(([leader, led]) => {
      const partitionsOfLeader = led.map(([partition]) => partition)
      return this.#ask(leader, partitionsOfLeader, timeMs)
    })
    return new Map((await Promise.all(answers)).flat())
  }

  async #ask(
    connection: BrokerConnection,
    partitions: readonly Partition[],
    timeMs: number,
  ): Promise<[Partition, number][]> {
    const request = listOffsetsRequest(partitions, timeMs)
    const answer = await this.#connections.using(connection, () => connection.send(request))
    return answer.flatMap(({ topic, partition: number, errorCode, offset }) => {
      const partition = partitions.find(each => each.topic === topic && each.partition === number)
      if (partition === undefined) return []
      if (errorCode !== kafkaErrorCodes.none) throw brokerError(nameOf(partition), errorCode)
      return [[partition, offset]]
    })
  }
}

function nameOf({ topic, partition }: Partition): string {
  return `${topic}/${partition}`
}
