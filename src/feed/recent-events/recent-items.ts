import { grown } from '../number-list.ts'

const initialSlots = 64
const none = -1

/**
 * The items with an event in a partition's window, each with the address of its last row, ordered by these.
 * An item has a *slot*, a small number, from its first event in the window until its last one is dropped;
 * then another item may get the slot.
 */
export class RecentItems {
  readonly #slots = new Map<number, number>()
  #items = new Uint32Array(initialSlots)
  /** By slot: the address of its item's last row; -1 if the slot is free. */
  #lasts = new Float64Array(initialSlots)
  /** By slot: the next less recent slot; of a free slot, the next free one. */
  #olders = new Int32Array(initialSlots)
  #newers = new Int32Array(initialSlots)
  #newest = none
  #oldest = none
  #free = none
  #used = 0

  get size(): number {
    return this.#slots.size
  }

  /** One more than the highest slot. Some slots below may be free. */
  get slotCount(): number {
    return this.#used
  }

  /** The slot of the item with the most recent event; -1 if there is none. */
  get newest(): number {
    return this.#newest
  }

  /** Returns the next less recent slot; -1 after the last. */
  older(slot: number): number {
    return this.#olders[slot] ?? none
  }

  /** Returns the slot of an item; -1 if it has no event in the window. */
  slotOf(item: number): number {
    return this.#slots.get(item) ?? none
  }

  itemOf(slot: number): number {
    return this.#items[slot] ?? 0
  }

  /** Returns the address of the last row of a slot's item; -1 if the slot is free. */
  lastOf(slot: number): number {
    return slot === none ? none : (this.#lasts[slot] ?? none)
  }

  /** Sets the last row of an item. Returns the one before; -1 if the item had none in the window. */
  touch(item: number, address: number): number {
    const slot = this.#slots.get(item)
    if (slot === undefined) {
      this.#admit(item, address)
      return none
    }
    const former = this.lastOf(slot)
    this.#lasts[slot] = address
    if (slot !== this.#newest) {
      this.#unlink(slot)
      this.#linkNewest(slot)
    }
    return former
  }

  /** Removes the items whose last row lies before an address. */
  expire(address: number): void {
    while (this.#oldest !== none && this.lastOf(this.#oldest) < address) {
      const slot = this.#oldest
      this.#unlink(slot)
      this.#slots.delete(this.itemOf(slot))
      this.#lasts[slot] = none
      this.#olders[slot] = this.#free
      this.#free = slot
    }
  }

  #admit(item: number, address: number): void {
    let slot = this.#free
    if (slot === none) {
      if (this.#used === this.#items.length) this.#grow()
      slot = this.#used++
    } else {
      this.#free = this.older(slot)
    }
    this.#slots.set(item, slot)
    this.#items[slot] = item
    this.#lasts[slot] = address
    this.#linkNewest(slot)
  }

  #linkNewest(slot: number): void {
    this.#newers[slot] = none
    this.#olders[slot] = this.#newest
    if (this.#newest === none) this.#oldest = slot
    else this.#newers[this.#newest] = slot
    this.#newest = slot
  }

  #unlink(slot: number): void {
    const older = this.older(slot)
    const newer = this.#newers[slot] ?? none
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
