import type { Item } from '../last-values/item.ts'
import { PartitionWindow } from './partition-window.ts'
import { SegmentBudget, type WindowCounts, type WindowLimits } from './segment-budget.ts'

/**
 * The recent events of every partition, encoded, for readers that are behind: a window of the log, bounded in
 * bytes and in time over all partitions. The oldest segments leave first, whole.
 */
export class RecentEvents {
  readonly #budget: SegmentBudget
  readonly #partitions = new Map<number, PartitionWindow>()

  constructor(limits: WindowLimits) {
    this.#budget = new SegmentBudget(limits)
  }

  get counts(): Readonly<WindowCounts> {
    return this.#budget.counts
  }

  /** The most bytes, as configured. */
  get fullBytes(): number {
    return this.#budget.fullBytes
  }

  /** The most bytes now; fewer than configured while the node is short of memory. */
  get limitBytes(): number {
    return this.#budget.limitBytes
  }

  /** Fewer bytes drop the oldest segments at once. More than configured are not kept. */
  set limitBytes(bytes: number) {
    this.#budget.limitBytes = bytes
  }

  /** When the oldest segment was opened, by the time stated; `undefined` if there is none. */
  get oldestMs(): number | undefined {
    return this.#budget.oldestMs
  }

  /** Returns the window of a partition by its number; `undefined` before `open`. */
  at(number: number): PartitionWindow | undefined {
    return this.#partitions.get(number)
  }

  /** Returns the window of a partition. A new one begins at the offset. */
  open(number: number, offset: number): PartitionWindow {
    const known = this.#partitions.get(number)
    if (known !== undefined) return known
    const partition = new PartitionWindow(number, offset, this.#budget)
    this.#partitions.set(number, partition)
    return partition
  }

  /** Drops a partition: its topic was recreated or is gone, or it was cut back. */
  forget(number: number): void {
    const partition = this.#partitions.get(number)
    partition?.restart(partition.to)
    this.#partitions.delete(number)
  }

  /**
   * Forgets an item, whose number another item gets: its events cannot be read here any more. Most forgotten
   * items have no recent event.
   */
  forgetItem({
    number,
    channel,
    partition,
    isSplit,
  }: Pick<Item, 'number' | 'channel' | 'partition' | 'isSplit'>): void {
    if (isSplit || channel === 'news') for (const each of this.#partitions.values()) each.forgetItem(number)
    else this.#partitions.get(partition)?.forgetItem(number)
  }

  /**
   * States the time, in ms on a monotonic clock, and drops what is too old. To be called before events are
   * added, and regularly.
   */
  tick(nowMs: number): void {
    this.#budget.tick(nowMs)
  }
}
