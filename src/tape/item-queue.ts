import { Item } from './item.ts'

/** Items in the order in which they were last put in. An item is in one queue at most; putting it into another takes it out of this one. */
export class ItemQueue {
  /** Stands before the first and after the last. */
  readonly #end = new Item(0, 'trades', '', 0)

  /** The item that was put in longest ago. */
  get first(): Item | undefined {
    const { after } = this.#end
    return after === this.#end ? undefined : after
  }

  /** Puts an item at the end. */
  put(item: Item): void {
    if (this.#end.before === item) return
    unlink(item)
    link(item, this.#end.before)
  }

  /** Puts an item at the beginning: as if it had been put in longest ago. */
  putFirst(item: Item): void {
    unlink(item)
    link(item, this.#end)
  }
}

function link(item: Item, before: Item): void {
  item.before = before
  item.after = before.after
  before.after.before = item
  before.after = item
}

/** Takes an item out of its queue, if it is in one. */
export function unlink(item: Item): void {
  item.before.after = item.after
  item.after.before = item.before
  item.before = item
  item.after = item
}
