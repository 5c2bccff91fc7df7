/**
 * One partition of one topic. A log hands out one and the same object per partition for as long as it is
 * open.
 */
export interface Partition {
  readonly topic: string
  readonly partition: number
}

/**
 * The next offset to read in a partition. `epoch` is the identity of the topic's incarnation (Kafka's topic
 * id), so that the offsets of a topic that was deleted and made again are not taken for those of the old one.
 */
export interface Position {
  readonly partition: Partition
  readonly epoch: string
  readonly offset: number
}

/** A record header, as in Kafka: a name may occur more than once. */
export interface RecordHeader {
  readonly name: string
  readonly value: Buffer | null
}

/**
 * One record. `key`, `value` and header values are views of a larger buffer: copy what outlives the batch.
 */
export interface LogRecord {
  readonly offset: number
  /** Milliseconds since 1970, from the producer or the broker as the topic is configured. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In their order; at most 256, the first ones. */
  readonly headers: readonly RecordHeader[]
}
