import type { Item } from '../last-values/item.ts'
import { PartitionWindow } from './partition-window.ts'
import { SegmentBudget, type WindowCounts, type WindowLimits } from './segment-budget.ts'

/**
 * The recent events of every partition, encoded, for readers that are behind: bounded in bytes and in time
 * over all of them; the oldest segments leave first, whole.
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

  /** What may be kept, in bytes, by configuration. */
  get fullBytes(): number {
    return this.#budget.fullBytes
  }

  /** What may be kept now: less where memory is short. */
  get limitBytes(): number {
    return this.#budget.limitBytes
  }

  /** Less drops the oldest segments at once. More than configured is not kept. */
  set limitBytes(bytes: number) {
    this.#budget.limitBytes = bytes
  }

  /** When the oldest event was taken in, by the time stated; `undefined` if there is none. */
  get oldestMs(): number | undefined {
    return this.#budget.oldestMs
  }

  /** The window of a partition by its number; `undefined` before `open`. */
  at(number: number): PartitionWindow | undefined {
    return this.#partitions.get(number)
  }

  /** The window of a partition; if it is new, it begins at an offset. */
  open(number: number, offset: number): PartitionWindow {
    const known = this.#partitions.get(number)
    if (known !== undefined) return known
    const partition = new PartitionWindow(number, offset, this.#budget)
    this.#partitions.set(number, partition)
    return partition
  }

  /** Drops a partition: its topic was made again or is gone. */
  forget(number: number): void {
    const partition = this.#partitions.get(number)
    partition?.restart(partition.to)
    this.#partitions.delete(number)
  }

  /**
   * An item gives up its number: whatever was of it cannot be read here any more. Most have no recent event.
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
   * States the time, in ms on a clock that only goes on, before events are taken in and whenever none came
   * for a while: drops what is too old.
   */
  tick(nowMs: number): void {
    this.#budget.tick(nowMs)
  }
}
