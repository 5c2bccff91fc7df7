import type { Partition } from '../../event-log.ts'
import type { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { apiVersions, type KafkaRequest } from './kafka-request.ts'

/** The times by which Kafka is asked for the first offset and for the last stable offset. */
export const firstOffset = -2
export const lastStableOffset = -1

/** A broker's answer for one partition. Without an error, the offset is −1 if no record is late enough. */
export interface ListedOffset {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly offset: number
}

const consumer = -1
const readCommitted = 1
const anyLeaderEpoch = -1

/** ListOffsets: for each partition the first offset whose record is not older than `timeMs`, or an end. */
export function listOffsetsRequest(
  partitions: readonly Partition[],
  timeMs: number,
): KafkaRequest<readonly ListedOffset[]> {
  const writer = new ByteWriter()
  writer.int32(consumer).int8(readCommitted)
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  writer.compactArray([...byTopic], ([topic, ofTopic]) => {
    writer.compactString(topic)
    writer.compactArray(ofTopic, ({ partition }) => {
      writer.int32(partition).int32(anyLeaderEpoch).int64(timeMs).noTags()
    })
    writer.noTags()
  })
  return { ...apiVersions.ListOffsets, body: writer.noTags().bytes, readAnswer }
}

function readAnswer(reader: ByteReader): readonly ListedOffset[] {
  const offsets = reader.compactArray(readTopic).flat()
  reader.skipTags()
  return offsets
}

function readTopic(reader: ByteReader): ListedOffset[] {
  const topic = reader.compactString() ?? ''
  const offsets = reader.compactArray(() => readPartition(reader, topic))
  reader.skipTags()
  return offsets
}

function readPartition(reader: ByteReader, topic: string): ListedOffset {
  const partition = reader.int32()
  const errorCode = reader.int16()
  reader.int64() // The time of the record.
  const offset = reader.int64()
  reader.int32() // The leader's epoch.
  reader.skipTags()
  return { topic, partition, errorCode, offset }
}
