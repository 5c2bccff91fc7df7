import { type Channel, channels } from '../../event/event.ts'
import { Item } from './item.ts'

/**
 * How an item is used, and so why it should be kept. `named`: a subscriber names it, and may ask for its last
 * event. `untold` (the metric's word for undelivered): a subscriber still has to get an event of it.
 */
export type ItemUse = 'none' | 'named' | 'untold'

/** At most so many idle items are looked at to find an unused one: some 2 ms, while everything else waits. */
const maxIdleLooks = 4096
/** At most so many used items are looked at to find one whose events are all delivered. */
const maxUsedLooks = 32
/** So many used items are looked at again each time, because their use may have ended. */
const usedRechecks = 2

/**
 * The items that have had an event, up to a limit. A further item takes the place and the number of the
 * unused item that has been idle longest, or of a used one if all are used. `onForgotten` is for
 * everything that is kept by item number.
 */
export class Items {
  /** Returns how an item that may have to go is used. */
  useOf: (item: Item) => ItemUse = () => 'none'
  /** Called before another item gets the number of this one. */
  onForgotten: (item: Item) => void = () => undefined
  /** Forgotten items, by their use. */
  readonly forgotten: Record<ItemUse, number> = { none: 0, named: 0, untold: 0 }
  readonly #limit: number
  readonly #bySymbol = new Map<Channel, Map<string, Item>>(channels.map(channel => [channel, new Map()]))
  readonly #byNumber: Item[] = []
  /** The items whose use was not looked at since their last event, idle longest first. */
  readonly #idle = new ItemQueue()
  /** The items that were used when they were looked at, so that each is not looked at every time. */
  readonly #used = new ItemQueue()
  #admissions = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#byNumber.length
  }

  /** Whether a further item takes the place of another. */
  get isFull(): boolean {
    return this.size >= this.#limit
  }

  find(channel: Channel, symbol: string): Item | undefined {
    return this.#bySymbol.get(channel)?.get(symbol)
  }

  /** The item that has this number now. */
  at(number: number): Item | undefined {
    return this.#byNumber[number]
  }

  /** Returns the item of an event; makes it for the first event. */
  admit(channel: Channel, symbol: string, partition: number): Item {
    this.#admissions++
    return this.#admit(channel, symbol, partition)
  }

  /**
   * Returns the items of one event. None of them takes the place of another, even if there are more than the
   * limit.
   */
  admitAll(channel: Channel, symbols: Iterable<string>, partition: number): Item[] {
    this.#admissions++
    const [known, others]: [Item[], string[]] = [[], []]
    for (const symbol of symbols) {
      if (this.find(channel, symbol) === undefined) others.push(symbol)
      else known.push(this.#admit(channel, symbol, partition))
    }
    return [...known, ...others.map(symbol => this.#admit(channel, symbol, partition))]
  }

  /**
   * Makes the item of an event that is older than everything admitted. Returns `undefined` if the item is
   * known, or the limit reached.
   */
  admitOlder(channel: Channel, symbol: string, partition: number): Item | undefined {
    if (this.isFull || this.find(channel, symbol) !== undefined) return undefined
    const item = this.#make(channel, symbol, partition)
    this.#idle.putFirst(item)
    return item
  }

  /** The items of a channel by symbol. */
  of(channel: Channel): Map<string, Item> {
    const bySymbol = this.#bySymbol.get(channel)
    if (bySymbol === undefined) throw new RangeError(`no such channel: ${channel}`)
    return bySymbol
  }

  #admit(channel: Channel, symbol: string, partition: number): Item {
    const bySymbol = this.of(channel)
    const item = bySymbol.get(symbol) ?? this.#make(channel, symbol, partition)
    item.admission = this.#admissions
    this.#idle.put(item)
    return item
  }

  #make(channel: Channel, symbol: string, partition: number): Item {
    const number = (this.isFull ? this.#forget() : undefined) ?? this.size
    const item = new Item(number, channel, symbol, partition)
    this.of(channel).set(symbol, item)
    this.#byNumber[number] = item
    return item
  }

  /** Forgets one item, and returns its number. */
  #forget(): number | undefined {
    const item = this.#findUnused() ?? this.#findUsed()
    if (item === undefined) return undefined
    unlink(item)
    this.of(item.channel).delete(item.symbol)
    this.forgotten[this.useOf(item)]++
    this.onForgotten(item)
    return item.number
  }

  #findUnused(): Item | undefined {
    for (let looks = 0; looks < usedRechecks; looks++) {
      const item = this.#used.first
      if (item === undefined) break
      if (this.useOf(item) === 'none') return item
      this.#used.put(item)
    }
    for (let looks = 0; looks < maxIdleLooks; looks++) {
      const item = this.#idle.first
      if (item === undefined || item.admission === this.#admissions) return undefined
      if (this.useOf(item) === 'none') return item
      this.#used.put(item)
    }
    return undefined
  }

  /** All items are used: prefers one whose subscribers have received everything. */
  #findUsed(): Item | undefined {
    const first = this.#used.first
    for (let looks = 0; looks < maxUsedLooks; looks++) {
      const item = this.#used.first
      if (item === undefined || this.useOf(item) !== 'untold') return item
      this.#used.put(item)
    }
    return first
  }
}

/** A queue of items. An item is in one queue at most: `put` takes it out of the queue that it is in. */
class ItemQueue {
  /** The sentinel of the circular list. */
  readonly #end = new Item(0, 'trades', '', 0)

  /** The item that was put at the end longest ago. */
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

  /** Puts an item at the beginning. */
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
function unlink(item: Item): void {
  item.before.after = item.after
  item.after.before = item.before
  item.before = item
  item.after = item
}
