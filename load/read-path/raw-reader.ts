import type { Position } from '../../src/log/event-log.ts'
import { type BrokerConnection, brokerAddress } from '../../src/log/kafka/connection/broker-connection.ts'
import { KafkajsClient } from '../../src/log/kafka/connection/kafkajs-client.ts'
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts'
import { type FetchedPartition, fetchRequest } from '../../src/log/kafka/protocol/fetch-request.ts'
import { frameAt } from '../../src/log/kafka/protocol/record-batch.ts'
import type { Topics } from '../../src/log/topics.ts'

/** As in `src/log/kafka/consume/leader-reader.ts`. */
export const fetchLimits = {
  maxWaitMs: 500,
  maxBytes: 4 * 1024 * 1024,
  maxPartitionBytes: 1024 * 1024,
} as const

/** One partition of an answer, and from where it was asked for. */
export interface FetchedFrom {
  readonly from: Position
  readonly partition: FetchedPartition
}

const clientId = 'load'
const logger = {
  warn: (fields: object, message: string) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
}

/** Fetches everything that lies in topics over the gateway's own connection, as bytes. One broker. */
export class RawReader {
  readonly starts: readonly Position[]
  readonly #ends: ReadonlyMap<string, number>
  readonly #connection: BrokerConnection

  private constructor(
    connection: BrokerConnection,
    starts: readonly Position[],
    ends: ReadonlyMap<string, number>,
  ) {
    this.#connection = connection
    this.starts = starts
    this.#ends = ends
  }

  /** Asks where the topics begin and end; what is appended later is not read. */
  static async open(brokers: string, topics: Topics): Promise<RawReader> {
    const access = { brokers: brokers.split(','), clientId }
    const log = createKafkaLog({ ...access, topics, logger })
    const starts = await log.partitions(AbortSignal.timeout(10_000))
    const ends = new Map<string, number>()
    for (const start of starts) ends.set(keyOf(start), (await log.ends(start.partition)).stable)
    await log.close()
    const [first = ''] = access.brokers
    const connection = await new KafkajsClient(access).connect(brokerAddress(first))
    return new RawReader(connection, starts, ends)
  }

  /** Reads from the beginnings to the ends, the partitions in turn. */
  async eachAnswer(take: (fetched: readonly FetchedFrom[]) => void): Promise<void> {
    let positions = this.#unread(this.starts)
    while (positions.length > 0) {
      const asked = positions.map(({ partition, epoch, offset }) => ({
        epoch,
        offset,
        partition: partition.partition,
      }))
      const answer = await this.#connection.send(fetchRequest({ ...fetchLimits, positions: asked }))
      const fetched = answer
        .filter(({ records }) => records.length > 0)
        .map(partition => ({ partition, from: find(positions, partition) }))
      take(fetched)
      positions = this.#unread(advanced(positions, fetched))
    }
  }

  #unread(positions: readonly Position[]): Position[] {
    return positions.filter(position => position.offset < (this.#ends.get(keyOf(position)) ?? 0))
  }
}

function find(positions: readonly Position[], { epoch, partition }: FetchedPartition): Position {
  const found = positions.find(each => each.epoch === epoch && each.partition.partition === partition)
  if (found === undefined) throw new Error(`partition ${partition} was not asked for`)
  return found
}

/** Those that were served go to the end (KIP-74), as the gateway's reader does it. */
function advanced(positions: readonly Position[], fetched: readonly FetchedFrom[]): Position[] {
  const next = new Map(
    fetched.map(({ from, partition }) => [from, { ...from, offset: nextOffset(from, partition.records) }]),
  )
  return [...positions.filter(position => !next.has(position)), ...next.values()]
}

/** Behind the last whole batch, from its header: base offset and last delta. */
function nextOffset({ offset }: Position, bytes: Buffer): number {
  let next = offset
  for (let frame = frameAt(bytes, 0); frame !== undefined; frame = frameAt(bytes, frame.end)) {
    next = Number(bytes.readBigInt64BE(frame.start)) + bytes.readInt32BE(frame.start + 23) + 1
  }
  return next
}

function keyOf({ epoch, partition }: Position): string {
  return `${epoch}/${partition.partition}`
}
