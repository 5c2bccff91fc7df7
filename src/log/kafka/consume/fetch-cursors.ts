import type { BrokerConnection } from '../connection/broker-connection.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { type FetchedPartition, type FetchOptions, fetchRequest } from '../protocol/fetch-request.ts'
import { kafkaErrorCodes } from '../protocol/kafka-request.ts'
import { firstOffset, lastStableOffset, listOffsetsRequest } from '../protocol/list-offsets-request.ts'
import type { PartitionCursor } from './partition-cursor.ts'

/** The error codes with which a broker refused partitions. */
export type RefusedCursors = Map<PartitionCursor, number>

export interface FetchCursorsOptions extends Omit<FetchOptions, 'positions'> {
  readonly reporter: FaultReporter
  /** Whether an answer is still wanted: a cursor may have gone to another leader meanwhile. */
  readonly isWanted: (cursor: PartitionCursor) => boolean
  /** Called with the answer for each partition that has no error, also if there was nothing to read. */
  readonly onAnswer?: (cursor: PartitionCursor, fetched: FetchedPartition) => void
}

/**
 * Fetches once for some cursors, from the broker that leads their partitions. Puts cursors without a position
 * at the first offset, and cursors whose position the log does not have at the nearest end of it. Rejects as
 * `BrokerConnection.send` does.
 */
export async function fetchCursors(
  connection: BrokerConnection,
  cursors: readonly PartitionCursor[],
  options: FetchCursorsOptions,
): Promise<RefusedCursors> {
  const refused: RefusedCursors = new Map()
  await placeAtFirst(connection, cursors, refused)
  const asked = new Map(cursors.flatMap(positionOf))
  if (asked.size === 0) return refused
  const positions = [...asked.values()]
  const answer = await connection.send(fetchRequest({ ...options, positions }))
  options.reporter.stats.fetches += 1
  const outOfRange: PartitionCursor[] = []
  for (const fetched of answer) {
    const position = asked.get(keyOf(fetched))
    if (position === undefined) continue
    const { cursor, offset } = position
    if (cursor.position !== offset || !options.isWanted(cursor)) continue
    if (fetched.errorCode === kafkaErrorCodes.none) accept(cursor, fetched, options)
    else if (fetched.errorCode === kafkaErrorCodes.offsetOutOfRange) outOfRange.push(cursor)
    else refused.set(cursor, fetched.errorCode)
  }
  await placeInRange(connection, outOfRange, { refused, reporter: options.reporter })
  return refused
}

interface CursorPosition {
  readonly cursor: PartitionCursor
  readonly epoch: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number | undefined
}

function positionOf(cursor: PartitionCursor): [key: string, position: CursorPosition][] {
  const { epoch, partition, position: offset, leaderEpoch } = cursor
  if (offset === undefined) return []
  const position = { cursor, epoch, partition: partition.partition, offset, leaderEpoch }
  return [[keyOf(position), position]]
}

function keyOf({ epoch, partition }: { readonly epoch: string; readonly partition: number }): string {
  return `${epoch}/${partition}`
}

function accept(cursor: PartitionCursor, fetched: FetchedPartition, options: FetchCursorsOptions): void {
  options.reporter.stats.fetchedBytes += fetched.records.length
  options.onAnswer?.(cursor, fetched)
  const { position = 0, partition } = cursor
  if (fetched.divergesAt === undefined) return cursor.accept(fetched)
  // From there on another leader has written the log: it is read again, at the same offsets.
  const cut = Math.min(fetched.divergesAt, position)
  options.reporter.truncated(partition, [position, cut])
  return cursor.moveTo(cut)
}

async function placeAtFirst(
  connection: BrokerConnection,
  cursors: readonly PartitionCursor[],
  refused: RefusedCursors,
): Promise<void> {
  const unplaced = cursors.filter(({ position }) => position === undefined)
  const firsts = await listOffsets(connection, unplaced, { timeMs: firstOffset, refused })
  for (const [cursor, first] of firsts) if (cursor.position === undefined) cursor.moveTo(first)
}

/** Looks up where the log begins and ends, which the answer to a fetch out of range does not say. */
async function placeInRange(
  connection: BrokerConnection,
  cursors: readonly PartitionCursor[],
  { refused, reporter }: { readonly refused: RefusedCursors; readonly reporter: FaultReporter },
): Promise<void> {
  const firsts = await listOffsets(connection, cursors, { timeMs: firstOffset, refused })
  const ends = await listOffsets(connection, cursors, { timeMs: lastStableOffset, refused })
  for (const cursor of cursors) {
    const { position, partition } = cursor
    const [first, end] = [firsts.get(cursor), ends.get(cursor)]
    if (position === undefined || first === undefined || end === undefined) continue
    if (position < first) {
      reporter.expired(partition, [position, first])
      cursor.moveTo(first)
    } else if (position > end) {
      reporter.truncated(partition, [position, end])
      cursor.moveTo(end)
    } else if (cursor.leaderEpoch !== undefined) {
      // The broker does not know how that leader's epoch ended. `moveTo` drops the epoch from the next fetch.
      cursor.moveTo(position)
    } else {
      // The position is in range by now, or the broker contradicts itself: do not try again at once.
      refused.set(cursor, kafkaErrorCodes.offsetOutOfRange)
    }
  }
}

async function listOffsets(
  connection: BrokerConnection,
  cursors: readonly PartitionCursor[],
  { timeMs, refused }: { readonly timeMs: number; readonly refused: RefusedCursors },
): Promise<ReadonlyMap<PartitionCursor, number>> {
  const offsets = new Map<PartitionCursor, number>()
  if (cursors.length === 0) return offsets
  const partitions = cursors.map(({ partition }) => partition)
  const answer = await connection.send(listOffsetsRequest(partitions, timeMs))
  for (const { topic, partition, errorCode, offset } of answer) {
    const cursor = cursors.find(
      each => each.partition.topic === topic && each.partition.partition === partition,
    )
    if (cursor === undefined) continue
    if (errorCode === kafkaErrorCodes.none) offsets.set(cursor, offset)
    else refused.set(cursor, errorCode)
  }
  return offsets
}
