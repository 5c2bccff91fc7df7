/** How far a client has come in a partition. */
export interface PartitionPosition {
  readonly number: number
  readonly topic: string
  readonly partition: number
  readonly epoch: string
  readonly position: number
}

/** Partitions next to each other, as servers tell of them (PROTOCOL.md §8). */
interface Run {
  readonly topic: string
  readonly epoch: string
  readonly partition: number
  readonly number: number
  readonly positions: string
}

/** Each partition that a server tells of in runs. */
export function positionsOf(runs: unknown): PartitionPosition[] {
  return ((runs ?? []) as readonly Run[]).flatMap(({ topic, epoch, partition, number, positions }) =>
    positions.split(',').map((digits, index) => ({
      number: number + index,
      topic,
      partition: partition + index,
      epoch,
      position: Number.parseInt(digits, 36),
    })),
  )
}

/** The cursor of a client that has come so far: each topic from its first partition on, without what it does not know. */
export function cursorOf(positions: Iterable<PartitionPosition>): { version: 1; partitions: object[] } {
  const topics = new Map<string, { topic: string; epoch: string; known: number[] }>()
  for (const { topic, epoch, partition, position } of positions) {
    const { known } = topics.get(`${topic}/${epoch}`) ?? { known: [] }
    known[partition] = position
    topics.set(`${topic}/${epoch}`, { topic, epoch, known })
  }
  const partitions = [...topics.values()].map(({ topic, epoch, known }) => ({
    topic,
    epoch,
    positions: Array.from(known, position => position?.toString(36) ?? '').join(),
  }))
  return { version: 1, partitions }
}
