import type { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { type KafkaRequest, apiVersions } from './kafka-request.ts'

/** The length of a topic id. */
export const topicIdBytes = 16

/** The topic id that means none. */
const noTopicId = Buffer.alloc(topicIdBytes)

/** The epoch of a topic's positions: its topic id, as Kafka prints it. */
export function epochOf(topicId: Buffer): string {
  return topicId.toString('base64url')
}

/** The topic id of an epoch. A text that is no epoch (clients may send any) gives an id that no topic has. */
export function topicIdOf(epoch: string): Buffer {
  const id = Buffer.from(epoch, 'base64url')
  return id.length === topicIdBytes ? id : noTopicId
}

/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** One partition of a topic. */
interface PartitionMetadata {
  readonly partition: number
  /** The leader's broker id; `undefined` while there is no leader. */
  readonly leader: number | undefined
}

/** A topic as the cluster knows it. With an error it has no partitions. */
export interface TopicMetadata {
  readonly topic: string
  readonly errorCode: number
  /** The topic's id as Kafka prints it. */
  readonly epoch: string
  readonly partitions: readonly PartitionMetadata[]
}

/** The cluster, as one broker knows it. */
export interface Metadata {
  /** By broker id. */
  readonly brokers: ReadonlyMap<number, BrokerAddress>
  readonly topics: readonly TopicMetadata[]
}

const no = 0

/** Metadata, version 12 (with topic ids), of some topics. Does not create missing topics. */
export function metadataRequest(topics: readonly string[]): KafkaRequest<Metadata> {
  const writer = new ByteWriter()
  writer.compactArray(topics, topic => {
    writer.raw(noTopicId).compactString(topic).noTags()
  })
  const [allowAutoTopicCreation, includeAuthorizedOperations] = [no, no]
  writer.int8(allowAutoTopicCreation).int8(includeAuthorizedOperations).noTags()
  return { ...apiVersions.Metadata, body: writer.bytes, readAnswer }
}

function readAnswer(reader: ByteReader): Metadata {
  const brokers = new Map(reader.compactArray(readBroker))
  reader.compactString() // The cluster's id.
  reader.int32() // The controller.
  const topics = reader.compactArray(readTopic)
  reader.skipTags()
  return { brokers, topics }
}

function readBroker(reader: ByteReader): [broker: number, address: BrokerAddress] {
  const broker = reader.int32()
  const host = reader.compactString() ?? ''
  const port = reader.int32()
  reader.compactString() // The rack.
  reader.skipTags()
  return [broker, { host, port }]
}

function readTopic(reader: ByteReader): TopicMetadata {
  const errorCode = reader.int16()
  const topic = reader.compactString() ?? ''
  const epoch = epochOf(reader.bytes(topicIdBytes))
  reader.int8() // Whether it is internal.
  const partitions = reader.compactArray(readPartition)
  reader.int32() // The authorized operations, which were not asked for.
  reader.skipTags()
  return { topic, errorCode, epoch, partitions }
}

function readPartition(reader: ByteReader): PartitionMetadata {
  reader.int16() // The error code. A partition with an error has no leader either.
  const partition = reader.int32()
  const leader = reader.int32()
  reader.int32() // The leader's epoch.
  for (const _ of ['replicas', 'in-sync', 'offline']) reader.compactArray(each => each.int32())
  reader.skipTags()
  return { partition, leader: leader < 0 ? undefined : leader }
}
