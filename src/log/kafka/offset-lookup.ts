import type { Partition } from '../event-log.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { KafkaError } from './kafka-error.ts'
import { errorCodes, refusal } from './kafka-request.ts'
import type { LeaderConnections } from './leader-connections.ts'
import { listOffsetsRequest } from './list-offsets.ts'

/** Asks the leaders of partitions for offsets, once. */
export class OffsetLookup {
  readonly #connections: LeaderConnections

  constructor(connections: LeaderConnections) {
    this.#connections = connections
  }

  /** The offset of one partition at `timeMs`. Rejects with a `KafkaError`. */
  async one(partition: Partition, timeMs: number): Promise<number> {
    const offset = (await this.each([partition], timeMs)).get(partition)
    if (offset === undefined) throw new KafkaError(`${nameOf(partition)}: Kafka answered no offset`)
    return offset
  }

  /** The offset of each partition at `timeMs`. Rejects with a `KafkaError` if a leader refuses one. */
  async each(partitions: readonly Partition[], timeMs: number): Promise<ReadonlyMap<Partition, number>> {
    const leaders = new Map<Partition, BrokerConnection>()
    for (const partition of partitions) leaders.set(partition, await this.#connections.to(partition))
    const byLeader = Map.groupBy(leaders, ([, leader]) => leader)
    const asking = [...byLeader].map(([leader, led]) => {
      return this.#ask(
        leader,
        led.map(([partition]) => partition),
        timeMs,
      )
    })
    return new Map((await Promise.all(asking)).flat())
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
      if (errorCode !== errorCodes.none) throw refusal(nameOf(partition), errorCode)
      return [[partition, offset]]
    })
  }
}

function nameOf({ topic, partition }: Partition): string {
  return `${topic}/${partition}`
}
