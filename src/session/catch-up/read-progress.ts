import type { Feed, NumberedPosition } from '../../feed/feed.ts'
import type { OffsetRange } from '../../protocol/positions.ts'
import type { StartPosition } from './window-read.ts'

/** How far a reader that is behind has read, and how far its client was told that it has everything. */
export class ReadProgress {
  readonly #feed: Feed
  /** Both by the number of the partition. */
  readonly #reached: number[] = []
  readonly #covered: number[] = []

  constructor(feed: Feed, starts: readonly StartPosition[]) {
    this.#feed = feed
    for (const { number, offset } of starts) {
      this.#reached[number] = offset
      this.#covered[number] = offset
    }
  }

  /**
   * The client has everything before these offsets, by the number of the partition. Frames that are made move
   * them on.
   */
  get covered(): number[] {
    return this.#covered
  }

  /** The client has everything before these positions. */
  get positions(): NumberedPosition[] {
    return this.#feed.positions.map(position => ({ ...position, offset: this.coveredAt(position.number) }))
  }

  /** The offset that a partition was read to. */
  at(number: number): number {
    return this.#reached[number] ?? this.#feed.beginOf(number)
  }

  coveredAt(number: number): number {
    return this.#covered[number] ?? this.#feed.beginOf(number)
  }

  /** Notes that a partition was read to an offset. */
  reach(number: number, offset: number): void {
    this.#reached[number] = offset
  }

  /** Notes that the client has everything before an offset. */
  cover(number: number, offset: number): void {
    this.#covered[number] = offset
  }

  /** Has whatever was read of a partition, but not delivered, read again. */
  goBack(number: number): void {
    this.#reached[number] = this.coveredAt(number)
  }

  /** Does the same for all partitions. */
  rewind(): void {
    for (const number of this.#reached.keys()) this.goBack(number)
  }

  /**
   * The partitions that were not read exactly as far as the feed: less far, or further than this node has.
   */
  unread(): NumberedPosition[] {
    return this.#feed.positions.filter(({ number, offset }) => this.at(number) !== offset)
  }

  /** The offsets that were read and held nothing to deliver. */
  undelivered(): OffsetRange[] {
    const ranges: OffsetRange[] = []
    for (const { number, offset: to } of this.#feed.positions) {
      const from = this.coveredAt(number)
      if (from < to) ranges.push({ number, from, to })
    }
    return ranges
  }

  /** The undelivered offsets of retired numbers: they are lost. */
  retired(): OffsetRange[] {
    const ends = this.#feed.reached()
    const retired = [...this.#covered.keys()].filter(number => this.#feed.isRetired(number))
    return retired.map(number => {
      const to = ends[number] ?? 0
      return { number, from: this.#covered[number] ?? to, to }
    })
  }

  /** Has new partitions read from where they began. */
  begin(): void {
    for (const { number } of this.#feed.positions) this.#covered[number] ??= this.coveredAt(number)
  }
}
