import type { EventBatch } from '../last-values/event-batch.ts'
import type { Item } from '../last-values/item.ts'
import type { NumberList } from '../number-list.ts'

/** The events of one interval, by item number: how many there were, and since which moment. */
export interface IntervalEvents {
  /** The numbers of the items with an event in the interval, each once. */
  readonly changed: NumberList
  /** Whether the bound of memory is reached: the interval should end. */
  readonly isFull: boolean
  /** The bytes of events that are kept here. */
  readonly keptBytes: number
  /** Counts an event of an item; it is the event of this index in the batch. */
  mark(item: number, batch: EventBatch, index: number): void
  /** The present moment, for `since`. */
  now(): number
  /** The number of an item's events in the interval. */
  of(item: number): number
  /** The number of an item's events since a moment. */
  since(item: number, moment: number): number
  /** The newest of an item's events, if it has any: a view of memory that the next one overwrites. */
  newestOf(item: Item): Buffer | undefined
  /** States what the newest event of an item is; it is counted elsewhere. */
  renew(item: Item, event: Buffer): void
  /** Forgets the events of an item, whose number another item gets. */
  forget(item: number): void
  /** Forgets everything, for another interval. */
  clear(): void
}
