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
  /** When a partition was forgotten last. */
  #forgottenMs: number | undefined

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
    this.#forgottenMs = this.#budget.nowMs
  }

  /** The windows that may have events of an item. */
  windowsOf({
    channel,
    partition,
    isSplit,
  }: Pick<Item, 'channel' | 'partition' | 'isSplit'>): PartitionWindow[] {
    if (isSplit || channel === 'news') return [...this.#partitions.values()]
    return [this.#partitions.get(partition) ?? []].flat()
  }

  /**
   * When the newest of an item's events may have come in that cannot be read here any more, in ms on a
   * monotonic clock; `undefined`: all can be read that came in.
   */
  missesMs(item: Pick<Item, 'channel' | 'partition' | 'isSplit'>): number | undefined {
    const times = [this.#forgottenMs, ...this.windowsOf(item).map(({ missesMs }) => missesMs)]
    const known = times.filter(ms => ms !== undefined)
    return known.length === 0 ? undefined : Math.max(...known)
  }

  /**
   * Forgets an item, whose number another item gets: its events cannot be read here any more. Most forgotten
   * items have no recent event.
   */
  forgetItem(item: Pick<Item, 'number' | 'channel' | 'partition' | 'isSplit'>): void {
    for (const each of this.windowsOf(item)) each.forgetItem(item.number)
  }

  /**
   * States the time, in ms on a monotonic clock, and drops what is too old. To be called before events are
   * added, and regularly.
   */
  tick(nowMs: number): void {
    this.#budget.tick(nowMs)
  }
}
