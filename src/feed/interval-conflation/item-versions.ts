import type { Item } from '../last-values/item.ts'
import { grown, NumberList } from '../number-list.ts'
import type { IntervalEvents } from './interval-events.ts'

/** Memory for past versions: at most so many are kept, over all items (4 MB). */
const maxPastVersions = 262_144

/**
 * The version of each item within one interval: the number of its events. A member that joins within the
 * interval has seen some version of each item; it remembers only the *moment* at which it joined. The first
 * event of an item after such a moment keeps the item's version of that moment, so `since` needs one search,
 * and memory grows with the moments, not with the events. (A copy of the versions for each new member would
 * grow with members × items.)
 */
export class ItemVersions implements IntervalEvents {
  /** The numbers of the items with an event in the interval, each once. */
  readonly changed = new NumberList()
  /** By item number. */
  #versions = new Uint32Array(1024)
  /** By item number: 1 if the item is in `changed`. */
  #isListed = new Uint8Array(1024)
  /** By item number: the latest moment of which the version is kept. */
  #keptMoments = new Uint32Array(1024)
  /** By item number: moments in order, each followed by the item's version at that moment. */
  readonly #past = new Map<number, number[]>()
  #pastCount = 0
  /** Moment 0 lies before the first event. */
  #moment = 0
  #hasMoved = false

  /** The number of past versions kept. */
  get pastCount(): number {
    return this.#pastCount
  }

  /** Whether the bound of memory is reached: the interval should end. */
  get isFull(): boolean {
    return this.#pastCount >= maxPastVersions
  }

  /** Last events are kept with their items. */
  readonly keptBytes = 0

  /** Counts an event of an item. */
  mark(item: number): void {
    if (item >= this.#versions.length) this.#grow(item + 1)
    const version = this.#versions[item] ?? 0
    if (this.#isListed[item] === 0) {
      this.#isListed[item] = 1
      this.changed.push(item)
    }
    if (this.#keptMoments[item] !== this.#moment) this.#keep(item, version)
    this.#versions[item] = version + 1
    this.#hasMoved = true
  }

  /** The present moment, for `since`. */
  now(): number {
    if (this.#hasMoved) this.#moment++
    this.#hasMoved = false
    return this.#moment
  }

  /** The number of an item's events in the interval. */
  of(item: number): number {
    return this.#versions[item] ?? 0
  }

  /** The number of an item's events since a moment. */
  since(item: number, moment: number): number {
    const version = this.of(item)
    if (moment === 0 || version === 0) return version
    const past = this.#past.get(item) ?? []
    let low = 0
    let high = past.length / 2
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((past[middle * 2] ?? 0) < moment) low = middle + 1
      else high = middle
    }
    return version - (past[low * 2 + 1] ?? version)
  }

  newestOf(item: Item): Buffer {
    return item.last
  }

  /** An item's newest event is its last one anyway. */
  renew(): void {}

  /** Forgets the events of an item, whose number another item gets. */
  forget(item: number): void {
    if (this.of(item) === 0) return
    this.#versions[item] = 0
    this.#keptMoments[item] = 0
    this.#pastCount -= (this.#past.get(item)?.length ?? 0) / 2
    this.#past.delete(item)
  }

  /** Forgets everything, for another interval. */
  clear(): void {
    for (let index = 0; index < this.changed.count; index++) {
      const item = this.changed.at(index)
      this.#versions[item] = 0
      this.#isListed[item] = 0
      this.#keptMoments[item] = 0
    }
    this.changed.clear()
    this.#past.clear()
    this.#pastCount = 0
    this.#moment = 0
    this.#hasMoved = false
  }

  #keep(item: number, version: number): void {
    this.#keptMoments[item] = this.#moment
    const past = this.#past.get(item)
    if (past === undefined) this.#past.set(item, [this.#moment, version])
    else past.push(this.#moment, version)
    this.#pastCount++
  }

  #grow(needed: number): void {
    const length = Math.max(needed, this.#versions.length * 2)
    this.#versions = grown(this.#versions, new Uint32Array(length))
    this.#keptMoments = grown(this.#keptMoments, new Uint32Array(length))
    this.#isListed = grown(this.#isListed, new Uint8Array(length))
  }
}
