import type { Item } from '../last-values/item.ts'
import type { ConflatedBatch } from './conflated-batch.ts'
import type { IntervalEvents } from './interval-events.ts'

/**
 * The items that the next batch needs although they need not have changed, each with its newest event;
 * without it where that is the item's last event anyway.
 */
export class CarriedEvents {
  readonly #events = new Map<number, Buffer | undefined>()

  has(itemNumber: number): boolean {
    return this.#events.has(itemNumber)
  }

  get(itemNumber: number): Buffer | undefined {
    return this.#events.get(itemNumber)
  }

  /** Carries an item's event, in place of one that is carried. Copies it. */
  set(itemNumber: number, event: Buffer | undefined): void {
    this.#events.set(itemNumber, event && copyOf(event))
  }

  delete(itemNumber: number): void {
    this.#events.delete(itemNumber)
  }

  /** Adds what a batch lacks. Nothing is carried then. */
  moveTo(batch: ConflatedBatch, ended: IntervalEvents, itemAt: (number: number) => Item | undefined): void {
    for (const [number, event] of this.#events) {
      const item = itemAt(number)
      const newest = event ?? (item && ended.newestOf(item))
      if (item !== undefined && newest !== undefined && batch.indexOf(number) < 0) batch.add(item, newest)
    }
    this.#events.clear()
  }
}

/** Copies into memory of its own: one small copy in Node's pool would keep all of that. */
function copyOf(event: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(event.length)
  event.copy(copy)
  return copy
}
