interface FakeBatch {
  readonly baseOffset: number
  readonly end: number
  readonly bytes: Buffer
}

/** The end of the latest leader's epoch that a reader and the partition have in common. */
export interface Divergence {
  readonly leaderEpoch: number
  readonly end: number
}

const leaderEpochAt = 12

/** A partition of the fake cluster; tests change it at will. */
export class FakePartition {
  leader: number
  first = 0
  /** Where an open transaction begins: readers of committed data get nothing from there on. */
  openFrom = Number.POSITIVE_INFINITY
  readonly batches: FakeBatch[] = []
  /** The offsets at which leaders began, by epoch. */
  readonly #epochs: [number, ...number[]] = [0]

  constructor(leader: number) {
    this.leader = leader
  }

  get end(): number {
    return this.batches.at(-1)?.end ?? this.first
  }

  get stable(): number {
    return Math.min(this.end, this.openFrom)
  }

  append(batch: FakeBatch): void {
    batch.bytes.writeInt32BE(this.#epochs.length - 1, leaderEpochAt)
    this.batches.push(batch)
  }

  /** An unclean election: the next leader lacks the batches from an offset on. */
  cutBack(to: number): void {
    const kept = this.batches.filter(({ end }) => end <= to)
    this.batches.splice(0, this.batches.length, ...kept)
    this.#epochs.push(this.end)
  }

  /**
   * Where a reader at an offset has read something else, if it has, by the leader's epoch that it read last.
   */
  divergence(offset: number, leaderEpoch: number): Divergence | undefined {
    if (leaderEpoch < 0) return undefined
    const end = this.#epochs[leaderEpoch + 1] ?? this.end
    return end < offset ? { leaderEpoch, end } : undefined
  }
}
