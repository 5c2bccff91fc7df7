import { NumberList } from '../number-list.ts'
import { grown } from './conflated-batch.ts'

/** Counts since which moments are known at most, over all items: 4 MB. */
const mostNotes = 262_144

/**
 * How many events each item had in an interval, also since any *moment* in it at which someone joined: with an item's first event
 * after a moment its count before is noted. So a count takes a search among an item's notes, and memory grows with the moments at
 * which someone joined, not with events.
 */
export class EventCounts {
  /** The items that had an event, by their numbers, each once. */
  readonly changed = new NumberList()
  /** By the number of the item. */
  #counts = new Uint32Array(1024)
  /** 1: it is in `changed`. */
  #listed = new Uint8Array(1024)
  /** The moment that was noted last. */
  #noted = new Uint32Array(1024)
  /** By item: moments, each followed by the count before the first event after it. */
  readonly #notes = new Map<number, number[]>()
  #noteCount = 0
  /** 0: before the first event. */
  #moment = 0
  #hasMoved = false

  /** How many counts are noted. */
  get noteCount(): number {
    return this.#noteCount
  }

  /** Whether no more moments should be told apart: the interval is to end. */
  get isFull(): boolean {
    return this.#noteCount >= mostNotes
  }

  /** Counts an event of an item. */
  mark(item: number): void {
    if (item >= this.#counts.length) this.#grow(item + 1)
    const count = this.#counts[item] ?? 0
    if (this.#listed[item] === 0) {
      this.#listed[item] = 1
      this.changed.push(item)
    }
    if (this.#noted[item] !== this.#moment) this.#note(item, count)
    this.#counts[item] = count + 1
    this.#hasMoved = true
  }

  /** This moment, by which `since` counts. */
  now(): number {
    if (this.#hasMoved) this.#moment++
    this.#hasMoved = false
    return this.#moment
  }

  /** How many events an item had in the interval. */
  of(item: number): number {
    return this.#counts[item] ?? 0
  }

  /** How many it had since a moment. */
  since(item: number, moment: number): number {
    const count = this.of(item)
    if (moment === 0 || count === 0) return count
    const notes = this.#notes.get(item) ?? []
    let low = 0
    let high = notes.length / 2
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((notes[middle * 2] ?? 0) < moment) low = middle + 1
      else high = middle
    }
    return count - (notes[low * 2 + 1] ?? count)
  }

  /** Forgets the events of an item: another one gets its number. */
  forget(item: number): void {
    if (this.of(item) === 0) return
    this.#counts[item] = 0
    this.#noted[item] = 0
    this.#noteCount -= (this.#notes.get(item)?.length ?? 0) / 2
    this.#notes.delete(item)
  }

  /** Forgets everything, for another interval. */
  clear(): void {
    for (let at = 0; at < this.changed.count; at++) {
      const item = this.changed.at(at)
      this.#counts[item] = 0
      this.#listed[item] = 0
      this.#noted[item] = 0
    }
    this.changed.clear()
    this.#notes.clear()
    this.#noteCount = 0
    this.#moment = 0
    this.#hasMoved = false
  }

  #note(item: number, count: number): void {
    this.#noted[item] = this.#moment
    const notes = this.#notes.get(item)
    if (notes === undefined) this.#notes.set(item, [this.#moment, count])
    else notes.push(this.#moment, count)
    this.#noteCount++
  }

  #grow(needed: number): void {
    this.#counts = grown(this.#counts, needed)
    this.#noted = grown(this.#noted, needed)
    const listed = new Uint8Array(this.#counts.length)
    listed.set(this.#listed)
    this.#listed = listed
  }
}
