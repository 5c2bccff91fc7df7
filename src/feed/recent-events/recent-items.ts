const initialSlots = 64
const none = -1

/**
 * The items that have an event in a partition's window, each with the address of its last one, from the most
 * to the least recent. An item has a *slot*, a small number, from its first event in the window until its
 * last one is dropped; then another item may have it.
 */
export class RecentItems {
  readonly #slots = new Map<number, number>()
  #items = new Uint32Array(initialSlots)
  /** The address of the last row of each slot's item; −1 of a free slot. */
  #lasts = new Float64Array(initialSlots)
  /** The next less recent slot; of a free slot the next free one. */
  #olders = new Int32Array(initialSlots)
  #newers = new Int32Array(initialSlots)
  #newest = none
  #oldest = none
  #free = none
  #used = 0

  get size(): number {
    return this.#slots.size
  }

  /** Slots have numbers below this; some of them may be free. */
  get slotCount(): number {
    return this.#used
  }

  /** The slot of the item with the most recent event; −1 if there is none. */
  get newest(): number {
    return this.#newest
  }

  /** The slot whose item has the next less recent event; −1 after the last. */
  older(slot: number): number {
    return this.#olders[slot] ?? none
  }

  /** The slot of an item; −1 if it has no event in the window. */
  slotOf(item: number): number {
    return this.#slots.get(item) ?? none
  }

  itemOf(slot: number): number {
    return this.#items[slot] ?? 0
  }

  /** The address of the last row of a slot's item; −1 if the slot is free. */
  lastOf(slot: number): number {
    return slot === none ? none : (this.#lasts[slot] ?? none)
  }

  /** Makes an address the last one of an item. The one before; −1 if the item has none in the window. */
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

  /** Lets go of the items whose last address is before this one. */
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

function grown<Column extends Uint32Array | Int32Array | Float64Array>(from: Column, to: Column): Column {
  to.set(from)
  return to
}
