/** How far a client has come in a partition. */
export interface PartitionPosition {
  readonly number: number
  readonly topic: string
  readonly partition: number
  readonly epoch: string
  readonly position: number
}

export type CoveredRange = readonly [number: number, from: number, to: number]

/** Adjacent partitions, as a server lists them (PROTOCOL.md §8). */
interface PartitionRun {
  readonly topic: string
  readonly epoch: string
  readonly partition: number
  readonly number: number
  readonly positions: string
}

/** Returns each partition that a server lists in runs. */
export function positionsOf(runs: unknown): PartitionPosition[] {
  return ((runs ?? []) as readonly PartitionRun[]).flatMap(({ topic, epoch, partition, number, positions }) =>
    positions.split(',').map((digits, index) => ({
      number: number + index,
      topic,
      partition: partition + index,
      epoch,
      position: Number.parseInt(digits, 36),
    })),
  )
}

/** Returns the cursor of a client at these positions. */
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

export function isSamePartition(one: PartitionPosition, other: PartitionPosition): boolean {
  return one.topic === other.topic && one.partition === other.partition
}

/**
 * The positions of a client by the numbers of its session (PROTOCOL.md §8). Reports gaps and unknown numbers.
 */
export class ClientPositions {
  readonly #fault: (text: string) => void
  #positions = new Map<number, PartitionPosition>()

  constructor(fault: (text: string) => void) {
    this.#fault = fault
  }

  get all(): readonly PartitionPosition[] {
    return [...this.#positions.values()]
  }

  /** The position in a partition; `undefined` if the session has no partition of that number. */
  of(number: number): number | undefined {
    return this.#positions.get(number)?.position
  }

  /** Forgets the former session's partitions. */
  begin(partitions: readonly PartitionPosition[]): void {
    this.#positions = new Map(partitions.map(entry => [entry.number, entry]))
  }

  /** Adds a partition; returns what the session had under another number for it. */
  add(entry: PartitionPosition): PartitionPosition | undefined {
    const former = this.all.find(each => isSamePartition(each, entry))
    if (former !== undefined) this.#positions.delete(former.number)
    this.#positions.set(entry.number, entry)
    return former
  }

  /** Goes to positions that a heartbeat, an acknowledgement or a shutdown states. */
  advance(positions: readonly (readonly [number: number, position: number])[] = []): void {
    for (const [number, position] of positions) {
      const entry = this.#positions.get(number)
      if (entry === undefined) this.#fault(`partition ${number} is unknown`)
      else if (position > entry.position) this.#positions.set(number, { ...entry, position })
    }
  }

  /** Goes to the end of the ranges that a frame covers. */
  cover(ranges: readonly CoveredRange[]): void {
    for (const [number, from, to] of ranges) {
      const have = this.of(number) ?? -1
      if (from > have) this.#fault(`partition ${number}: from ${from}, but ${have} was reached`)
      if (from > to) this.#fault(`partition ${number}: [${from}, ${to})`)
      this.advance([[number, to]])
    }
  }
}
