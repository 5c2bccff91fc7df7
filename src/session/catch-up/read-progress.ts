import type { Feed, NumberedPosition } from '../../feed/feed.ts'
import type { StartPosition } from './window-read.ts'

/** How far a reader that is behind has read, and what it has told its client to have, by the number of the partition. */
export class ReadProgress {
  readonly #feed: Feed
  readonly #reached: number[] = []
  readonly #covered: number[] = []

  constructor(feed: Feed, starts: readonly StartPosition[]) {
    this.#feed = feed
    for (const { number, offset } of starts) {
      this.#reached[number] = offset
      this.#covered[number] = offset
    }
  }

  /** What its client has everything before, by the number of the partition; frames that are made move it on. */
  get covered(): number[] {
    return this.#covered
  }

  /** Up to where its client has everything. */
  get positions(): NumberedPosition[] {
    return this.#feed.positions.map(position => ({ ...position, offset: this.coveredAt(position.number) }))
  }

  /** Up to where a partition was read. */
  at(number: number): number {
    return this.#reached[number] ?? this.#feed.beginOf(number)
  }

  coveredAt(number: number): number {
    return this.#covered[number] ?? this.#feed.beginOf(number)
  }

  /** States up to where a partition was read. */
  reach(number: number, offset: number): void {
    this.#reached[number] = offset
  }

  /** States that its client has everything before an offset. */
  cover(number: number, offset: number): void {
    this.#covered[number] = offset
  }

  /** Whatever was read of a partition, but not told, is read again. */
  goBack(number: number): void {
    this.#reached[number] = this.coveredAt(number)
  }

  /** The same for all. */
  rewind(): void {
    for (const number of this.#reached.keys()) this.goBack(number)
  }

  /** The partitions that it has not read as far as the feed, or further than this node has. */
  rest(): NumberedPosition[] {
    return this.#feed.positions.filter(({ number, offset }) => this.at(number) !== offset)
  }

  /** What it has read and not told, though it held nothing: ranges of offsets. */
  undelivered(): [number: number, from: number, to: number][] {
    const ranges: [number, number, number][] = []
    for (const { number, offset } of this.#feed.positions) {
      const from = this.coveredAt(number)
      if (from < offset) ranges.push([number, from, offset])
    }
    return ranges
  }

  /** Partitions whose number stands for nothing any more: what was not told of them is lost. */
  retired(): { readonly number: number; readonly from: number; readonly to: number }[] {
    const ends = this.#feed.reached()
    const retired = [...this.#covered.keys()].filter(number => this.#feed.isRetired(number))
    return retired.map(number => {
      const to = ends[number] ?? 0
      return { number, from: this.#covered[number] ?? to, to }
    })
  }

  /** Partitions that are new are read from where they began. */
  begin(): void {
    for (const { number } of this.#feed.positions) this.#covered[number] ??= this.coveredAt(number)
  }
}
