import type { Position } from '../../../src/log/event-log.ts'
import { brokerAddress } from '../../../src/log/kafka/connection/broker-connection.ts'
import { KafkajsClient } from '../../../src/log/kafka/connection/kafkajs-client.ts'
import { openKafkaLog } from '../../kafka/log-ingest.ts'
import { type FetchedPartition, fetchRequest } from '../../../src/log/kafka/protocol/fetch-request.ts'
import { frameAt } from '../../../src/log/kafka/protocol/record-batch.ts'
import type { Topics } from '../../../src/log/topics.ts'

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

/** Fetches everything that lies in topics, as bytes. */
export interface RawReader {
  readonly starts: readonly Position[]
  /** Reads from the beginnings to the ends, the partitions in turn. */
  eachAnswer(take: (fetched: readonly FetchedFrom[]) => void): Promise<void>
}

/** Reads over the gateway's own connection to one broker. Records that are appended later are not read. */
export async function openRawReader(brokers: string, topics: Topics): Promise<RawReader> {
  const access = { brokers: brokers.split(','), clientId: 'load' }
  const log = openKafkaLog(brokers, topics)
  const starts = await log.partitions(AbortSignal.timeout(10_000))
  const ends = new Map<Position['partition'], number>()
  for (const { partition } of starts) ends.set(partition, (await log.ends(partition)).stable)
  await log.close()
  const connection = await new KafkajsClient(access).connect(brokerAddress(access.brokers[0] ?? ''))
  const unread = (positions: readonly Position[]): Position[] =>
    positions.filter(({ partition, offset }) => offset < (ends.get(partition) ?? 0))
  return {
    starts,
    async eachAnswer(take) {
      for (let left = unread(starts); left.length > 0; ) {
        const positions = left.map(({ partition, epoch, offset }) => {
          return { epoch, offset, partition: partition.partition }
        })
        const answer = await connection.send(fetchRequest({ ...fetchLimits, positions }))
        const filled = answer.filter(({ records }) => records.length > 0)
        const fetched = filled.map(partition => ({ partition, from: askedFor(left, partition) }))
        take(fetched)
        // Those that were served go to the end (KIP-74), as the gateway's reader does it.
        const others = left.filter(position => !fetched.some(({ from }) => from === position))
        const next = fetched.map(({ from, partition }) => ({
          ...from,
          offset: nextOffset(from, partition.records),
        }))
        left = unread([...others, ...next])
      }
    },
  }
}

function askedFor(positions: readonly Position[], { epoch, partition }: FetchedPartition): Position {
  const found = positions.find(each => each.epoch === epoch && each.partition.partition === partition)
  if (found === undefined) throw new Error(`partition ${partition} was not asked for`)
  return found
}

/** The offset after the last whole batch, from its header: base offset and last delta. */
function nextOffset({ offset }: Position, bytes: Buffer): number {
  let next = offset
  for (let frame = frameAt(bytes, 0); frame !== undefined; frame = frameAt(bytes, frame.end)) {
    next = Number(bytes.readBigInt64BE(frame.start)) + bytes.readInt32BE(frame.start + 23) + 1
  }
  return next
}
