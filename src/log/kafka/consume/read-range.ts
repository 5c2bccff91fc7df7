import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../../system/clock.ts'
import type { LogBatch, Partition } from '../../event-log.ts'
import type { Cluster } from '../connection/cluster.ts'
import type { LeaderConnections } from '../connection/leader-connections.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { KafkaError } from '../kafka-error.ts'
import { brokerError } from '../protocol/kafka-request.ts'
import { retry } from '../retry.ts'
import { fetchCursors } from './fetch-cursors.ts'
import { PartitionCursor } from './partition-cursor.ts'

const sliceRecords = 1000
const maxFetchBytes = 1024 * 1024

export interface ReadRangeOptions {
  readonly cluster: Cluster
  readonly connections: LeaderConnections
  readonly reporter: FaultReporter
  readonly partition: Partition
  readonly from: number
  readonly to: number
  /** Bytes of one fetch, 1 MiB at most and if left out. The first record batch comes whole (KIP-74). */
  readonly fetchBytes: number | undefined
  /** For one fetch, with all its attempts. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Reads `[from, to)` of one partition, up to the last stable offset. Ends when `signal` aborts. Rejects with
 * a `KafkaError` when Kafka does not answer in time, or when the topic is recreated meanwhile.
 */
export async function* readRange(options: ReadRangeOptions): AsyncGenerator<LogBatch, void> {
  const { to, signal } = options
  try {
    if (signal.aborted || options.from >= to) return
    const cursor = await openCursor(options)
    for (let position = options.from; position < to; position = cursor.position ?? to) {
      await fetchWithRetry(cursor, options)
      for (let batch = cursor.next(sliceRecords); batch !== undefined; batch = cursor.next(sliceRecords)) {
        yield cutOff(batch, to)
        if (signal.aborted || batch.to >= to) return
        await setImmediate()
      }
      if (isAtEnd(cursor)) return
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function openCursor(options: ReadRangeOptions): Promise<PartitionCursor> {
  const { partition, cluster, from, reporter } = options
  const epoch = await retry(async failures => {
    if (failures > 0 || cluster.version === 0) await cluster.refresh()
    const topic = cluster.topic(partition.topic)
    if (topic === undefined) throw new KafkaError(`there is no topic ${partition.topic}`)
    return topic.epoch
  }, options)
  return new PartitionCursor({ partition, epoch, start: from, announcesStart: false, reporter })
}

function fetchWithRetry(cursor: PartitionCursor, options: ReadRangeOptions): Promise<void> {
  return retry(async failures => {
    if (failures > 0) await options.cluster.refresh()
    await fetchOnce(cursor, options)
  }, options)
}

async function fetchOnce(
  cursor: PartitionCursor,
  { cluster, connections, partition, reporter, fetchBytes = maxFetchBytes }: ReadRangeOptions,
): Promise<void> {
  const name = `${partition.topic}/${partition.partition}`
  const epoch = cluster.topic(partition.topic)?.epoch ?? cursor.epoch
  if (epoch !== cursor.epoch) {
    throw new KafkaError(`${name} was recreated while it was read`, { severity: 'fatal' })
  }
  const connection = await connections.to(partition)
  const maxBytes = Math.min(fetchBytes, maxFetchBytes)
  // A range lies before the end of the log, so the broker never has to wait for records.
  const limits = { maxWaitMs: 0, maxBytes, maxPartitionBytes: maxBytes }
  const refused = await connections.using(connection, () =>
    fetchCursors(connection, [cursor], { ...limits, reporter, isWanted: () => true }),
  )
  const errorCode = refused.get(cursor)
  if (errorCode !== undefined) throw brokerError(name, errorCode)
  if (!cursor.hasBatch && !isAtEnd(cursor)) {
    throw new KafkaError(`${name}: nothing came where there should be records`)
  }
}

function isAtEnd({ position, stable }: PartitionCursor): boolean {
  return position !== undefined && stable !== undefined && position >= stable
}

/** The part of a batch before `to`. */
function cutOff(batch: LogBatch, to: number): LogBatch {
  if (batch.to <= to) return batch
  const records = batch.records.filter(({ offset }) => offset < to)
  return { ...batch, from: Math.min(batch.from, to), to, records }
}
