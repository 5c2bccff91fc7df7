import type { AbortedTransaction } from './record-set-reader.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { apiVersions, kafkaErrorCodes, type KafkaRequest, brokerError } from './kafka-request.ts'
import { epochOf, topicIdBytes, topicIdOf } from './metadata-request.ts'

/** Where to fetch one partition from. `epoch` is its topic's id, which the broker checks. */
export interface FetchPosition {
  readonly epoch: string
  readonly partition: number
  readonly offset: number
  /** The leader's epoch of the last batch read, by which the broker checks that it has the same batch. */
  readonly leaderEpoch?: number | undefined
}

export interface FetchOptions {
  /** The broker serves them in this order until `maxBytes` is reached, so rotate them (KIP-74). */
  readonly positions: readonly FetchPosition[]
  /** How long the broker may wait for the first record. */
  readonly maxWaitMs: number
  /** The limits of a response, and of a partition in it. The first batch comes whole even if larger. */
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

/** The answer for one partition. `records` holds whole batches, and perhaps the beginning of one more. */
export interface FetchedPartition {
  readonly epoch: string
  readonly partition: number
  readonly errorCode: number
  /** The ends of the replicated records, and of those that a reader of committed data may see. */
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly aborted: readonly AbortedTransaction[]
  /** Where the broker's log differs from the batches read, because it was cut back there (KIP-595). */
  readonly divergesAt: number | undefined
  /** A view of the response. */
  readonly records: Buffer
}

const noRecords = Buffer.alloc(0)
const readCommitted = 1
const consumer = -1
const unknown = -1
const divergingEpochTag = 0

/** Fetch, version 13. It names topics by id, so a topic recreated is never taken for the former one. */
export function fetchRequest(options: FetchOptions): KafkaRequest<readonly FetchedPartition[]> {
  return { ...apiVersions.Fetch, body: encode(options), readAnswer }
}

function encode({ positions, maxWaitMs, maxBytes, maxPartitionBytes }: FetchOptions): Buffer {
  const writer = new ByteWriter()
  const minBytes = 1
  writer.int32(consumer).int32(maxWaitMs).int32(minBytes).int32(maxBytes).int8(readCommitted)
  const session = { id: 0, epoch: -1 }
  writer.int32(session.id).int32(session.epoch)
  const byTopic = Map.groupBy(positions, ({ epoch }) => epoch)
  writer.compactArray([...byTopic], ([epoch, ofTopic]) => {
    writer.raw(topicIdOf(epoch))
    writer.compactArray(ofTopic, ({ partition, offset, leaderEpoch = unknown }) => {
      writer.int32(partition).int32(unknown).int64(offset).int32(leaderEpoch).int64(unknown)
      writer.int32(maxPartitionBytes).noTags()
    })
    writer.noTags()
  })
  const forgotten: readonly never[] = []
  return writer
    .compactArray(forgotten, () => {})
    .compactString('')
    .noTags().bytes
}

function readAnswer(reader: ByteReader): readonly FetchedPartition[] {
  const errorCode = reader.int16()
  if (errorCode !== kafkaErrorCodes.none) throw brokerError('Fetch', errorCode)
  reader.int32() // The session id: there is no session.
  const partitions = reader.compactArray(readTopic).flat()
  reader.skipTags()
  return partitions
}

function readTopic(reader: ByteReader): FetchedPartition[] {
  const epoch = epochOf(reader.bytes(topicIdBytes))
  const partitions = reader.compactArray(() => readPartition(reader, epoch))
  reader.skipTags()
  return partitions
}

function readPartition(reader: ByteReader, epoch: string): FetchedPartition {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = reader.int64()
  const lastStableOffset = reader.int64()
  reader.int64() // The log's first offset: −1 in the one case that needs it, a position out of range.
  const aborted = reader.compactArray(readAborted)
  reader.int32() // The preferred replica: none, since the request names no rack.
  const records = reader.compactBytes() ?? noRecords
  const divergesAt = readDivergence(reader.tag(divergingEpochTag))
  return { epoch, partition, errorCode, highWatermark, lastStableOffset, aborted, divergesAt, records }
}

/** The end of the latest leader's epoch that reader and broker have in common. */
function readDivergence(field: Buffer | undefined): number | undefined {
  if (field === undefined) return undefined
  const reader = new ByteReader(field)
  reader.int32() // The epoch.
  return reader.int64()
}

function readAborted(reader: ByteReader): AbortedTransaction {
  const aborted = { producerId: reader.bigInt64(), firstOffset: reader.int64() }
  reader.skipTags()
  return aborted
}
