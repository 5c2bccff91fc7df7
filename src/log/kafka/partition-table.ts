import type { Partition } from '../event-log.ts'

/** Hands out one and the same object per partition. */
export class PartitionTable {
  readonly #topics = new Map<string, Map<number, Partition>>()

  of(topic: string, partition: number): Partition {
    const partitions = this.#topics.get(topic) ?? new Map<number, Partition>()
    this.#topics.set(topic, partitions)
    const known = partitions.get(partition) ?? { topic, partition }
    partitions.set(partition, known)
    return known
  }
}
