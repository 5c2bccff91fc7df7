import { grown } from '../number-list.ts'

const initialSlots = 64
const none = -1

/**
 * The items with an event in a partition's window, each with the address of its last row, ordered by these.
 * An item has an *entry*, a small number, from its first event in the window until its last one is dropped;
 * then another item may get the entry.
 */
export class RecentItems {
  readonly #entries = new Map<number, number>()
  #items = new Uint32Array(initialSlots)
  /** By entry: the address of its item's last row; -1 if the entry is free. */
  #lasts = new Float64Array(initialSlots)
  /** By entry: the next less recent entry; of a free entry, the next free one. */
  #olders = new Int32Array(initialSlots)
  #newers = new Int32Array(initialSlots)
  #newest = none
  #oldest = none
  #free = none
  #used = 0

  get size(): number {
    return this.#entries.size
  }

  /** One more than the highest entry. Some entries below may be free. */
  get entryCount(): number {
    return this.#used
  }

  /** The entry of the item with the most recent event; -1 if there is none. */
  get newest(): number {
    return this.#newest
  }

  /** Returns the next less recent entry; -1 after the last. */
  older(entry: number): number {
    return this.#olders[entry] ?? none
  }

  /** Returns the entry of an item; -1 if it has no event in the window. */
  slotOf(item: number): number {
    return this.#entries.get(item) ?? none
  }

  itemOf(entry: number): number {
    return this.#items[entry] ?? 0
  }

  /** Returns the address of the last row of an entry's item; -1 if the entry is free. */
  lastOf(entry: number): number {
    return entry === none ? none : (this.#lasts[entry] ?? none)
  }

  /** Sets the last row of an item. Returns the one before; -1 if the item had none in the window. */
  touch(item: number, address: number): number {
    const entry = this.#entries.get(item)
    if (entry === undefined) {
      this.#admit(item, address)
      return none
    }
    const former = this.lastOf(entry)
    this.#lasts[entry] = address
    if (entry !== this.#newest) {
      this.#unlink(entry)
      this.#linkNewest(entry)
    }
    return former
  }

  /** Removes the items whose last row lies before an address. */
  expire(address: number): void {
    while (this.#oldest !== none && this.lastOf(this.#oldest) < address) {
      const entry = this.#oldest
      this.#unlink(entry)
      this.#entries.delete(this.itemOf(entry))
      this.#lasts[entry] = none
      this.#olders[entry] = this.#free
      this.#free = entry
    }
  }

  #admit(item: number, address: number): void {
    let entry = this.#free
    if (entry === none) {
      if (this.#used === this.#items.length) this.#grow()
      entry = this.#used++
    } else {
      this.#free = this.older(entry)
    }
    this.#entries.set(item, entry)
    this.#items[entry] = item
    this.#lasts[entry] = address
    this.#linkNewest(entry)
  }

  #linkNewest(entry: number): void {
    this.#newers[entry] = none
    this.#olders[entry] = this.#newest
    if (this.#newest === none) this.#oldest = entry
    else this.#newers[this.#newest] = entry
    this.#newest = entry
  }

  #unlink(entry: number): void {
    const older = this.older(entry)
    const newer = this.#newers[entry] ?? none
    if (older === none) this.#oldest = newer
    else this.#newers[older] = newer
    if (newer === none) this.#newest = older
    else this.#olders[newer] = older
  }

  #grow(): void {
    const length = this.#items.length * 2
    this.#items = grown(this.#items, new Uint32Array(length))
    this.#lasts = grown(this.#lasts, new Float64Array(length))
    this.#olders = grown(this.#olders, new Int32Array(length))
    this.#newers = grown(this.#newers, new Int32Array(length))
  }
}
