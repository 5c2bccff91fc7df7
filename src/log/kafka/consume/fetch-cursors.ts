import type { BrokerConnection } from '../connection/broker-connection.ts'
import { type FetchedPartition, type FetchOptions, fetchRequest } from '../protocol/fetch-request.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { kafkaErrorCodes } from '../protocol/kafka-request.ts'
import { firstOffset, lastStableOffset, listOffsetsRequest } from '../protocol/list-offsets-request.ts'
import type { PartitionCursor } from './partition-cursor.ts'

/** The error codes of the partitions that a broker refused. */
export type RefusedCursors = Map<PartitionCursor, number>

export interface FetchCursorsOptions extends Omit<FetchOptions, 'positions'> {
  readonly reporter: FaultReporter
  /** Whether an answer is still wanted: a cursor may have gone to another leader meanwhile. */
  readonly isWanted: (cursor: PartitionCursor) => boolean
  /** Told what a broker answered of each partition without an error, also where there was nothing to read. */
  readonly onAnswer?: (cursor: PartitionCursor, fetched: FetchedPartition) => void
}

/**
 * One fetch for some cursors from the broker that leads their partitions. Puts those that have no position yet
 * at the first offset, and those whose position the log does not have at the nearest end of it. Rejects as
 * `BrokerConnection.send` does.
 */
export async function fetchCursors(
  connection: BrokerConnection,
  cursors: readonly PartitionCursor[],
  options: FetchCursorsOptions,
): Promise<RefusedCursors> {
  const refusals: RefusedCursors = new Map()
  await placeAtFirst(connection, cursors, refusals)
  const asked = new Map(cursors.flatMap(askOf))
  if (asked.size === 0) return refusals
  const positions = [...asked.values()]
  const answer = await connection.send(fetchRequest({ ...options, positions }))
  options.reporter.stats.fetches += 1
  const outOfRange: PartitionCursor[] = []
  for (const fetched of answer) {
    const ask = asked.get(keyOf(fetched))
    if (ask === undefined || ask.cursor.position !== ask.offset || !options.isWanted(ask.cursor)) continue
    if (fetched.errorCode === kafkaErrorCodes.none) take(ask.cursor, fetched, options)
    else if (fetched.errorCode === kafkaErrorCodes.offsetOutOfRange) outOfRange.push(ask.cursor)
    else refusals.set(ask.cursor, fetched.errorCode)
  }
  await placeInRange(connection, outOfRange, { refusals, reporter: options.reporter })
  return refusals
}

interface Ask {
  readonly cursor: PartitionCursor
  readonly epoch: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number | undefined
}

function askOf(cursor: PartitionCursor): [key: string, ask: Ask][] {
  const { epoch, partition, position: offset, leaderEpoch } = cursor
  if (offset === undefined) return []
  const ask = { cursor, epoch, partition: partition.partition, offset, leaderEpoch }
  return [[keyOf(ask), ask]]
}

function keyOf({ epoch, partition }: { readonly epoch: string; readonly partition: number }): string {
  return `${epoch}/${partition}`
}

function take(cursor: PartitionCursor, fetched: FetchedPartition, options: FetchCursorsOptions): void {
  options.reporter.stats.fetchedBytes += fetched.records.length
  options.onAnswer?.(cursor, fetched)
  const { position = 0, partition } = cursor
  if (fetched.divergesAt === undefined) return cursor.take(fetched)
  // Everything from there on is another leader's: it is read again, under the same offsets.
  const cut = Math.min(fetched.divergesAt, position)
  options.reporter.truncated(partition, [position, cut])
  return cursor.moveTo(cut)
}

async function placeAtFirst(
  connection: BrokerConnection,
  cursors: readonly PartitionCursor[],
  refusals: RefusedCursors,
): Promise<void> {
  const unplaced = cursors.filter(({ position }) => position === undefined)
  const firsts = await listOffsets(connection, unplaced, { timeMs: firstOffset, refusals })
  for (const [cursor, first] of firsts) if (cursor.position === undefined) cursor.moveTo(first)
}

/** The answer to a fetch out of range does not say where the log begins or ends. */
async function placeInRange(
  connection: BrokerConnection,
  cursors: readonly PartitionCursor[],
  { refusals, reporter }: { readonly refusals: RefusedCursors; readonly reporter: FaultReporter },
): Promise<void> {
  const firsts = await listOffsets(connection, cursors, { timeMs: firstOffset, refusals })
  const ends = await listOffsets(connection, cursors, { timeMs: lastStableOffset, refusals })
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
      // The broker cannot say how that epoch ended: asked again without it.
      cursor.moveTo(position)
    } else {
      // In range by now, or the broker contradicts itself: not to be tried again at once.
      refusals.set(cursor, kafkaErrorCodes.offsetOutOfRange)
    }
  }
}

async function listOffsets(
  connection: BrokerConnection,
  cursors: readonly PartitionCursor[],
  { timeMs, refusals }: { readonly timeMs: number; readonly refusals: RefusedCursors },
): Promise<ReadonlyMap<PartitionCursor, number>> {
  const offsets = new Map<PartitionCursor, number>()
  if (cursors.length === 0) return offsets
  const partitions = cursors.map(({ partition }) => partition)
  for (const { topic, partition, errorCode, offset } of await connection.send(
    listOffsetsRequest(partitions, timeMs),
  )) {
    const cursor = cursors.find(
      each => each.partition.topic === topic && each.partition.partition === partition,
    )
    if (cursor === undefined) continue
    if (errorCode === kafkaErrorCodes.none) offsets.set(cursor, offset)
    else refusals.set(cursor, errorCode)
  }
  return offsets
}
