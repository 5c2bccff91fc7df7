/** One partition of one topic. A log hands out one and the same object per partition for as long as it is open. */
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
