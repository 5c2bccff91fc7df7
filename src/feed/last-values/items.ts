import { type Channel, channels } from '../../event/event.ts'
import { Item } from './item.ts'

/** Why an item should be kept: someone names it, and may ask for its last event; or someone is still to be told of an event of it. */
export type Claim = 'none' | 'named' | 'untold'

/** Items that are looked at, at most, for one that nobody claims: some 2 ms, where others have to wait for it. */
const mostIdleLooks = 4096
/** Claimed items that are looked at, at most, for one that may go. */
const mostLooks = 32
/** Claimed items that are looked at each time, since they may not be claimed any more. */
const looksAgain = 2

/**
 * The items that have had an event, as many as the node may keep: a further one takes the place, and the number, of the one that nobody
 * claims and that has been idle longest; where all are claimed, of one that is. Whoever keeps anything by numbers is told by `onForgotten`.
 */
export class Items {
  /** Asked of an item that may have to go. */
  claimOf: (item: Item) => Claim = () => 'none'
  /** Told before another item gets an item's number. */
  onForgotten: (item: Item) => void = () => undefined
  /** Items that have given up their place, by what claim there was to them. */
  readonly forgotten: Record<Claim, number> = { none: 0, named: 0, untold: 0 }
  readonly #limit: number
  readonly #bySymbol = new Map<Channel, Map<string, Item>>(channels.map(channel => [channel, new Map()]))
  readonly #byNumber: Item[] = []
  /** Those whose claims were not asked for since their last event, idle longest first. */
  readonly #idle = new ItemQueue()
  /** Those that were claimed when they were the idlest: each is looked at once, not each time. */
  readonly #claimed = new ItemQueue()
  #admissions = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#byNumber.length
  }

  /** Whether a further item takes another one's place. */
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

  /** The item of an event, made if it is the first. */
  admit(channel: Channel, symbol: string, partition: number): Item {
    this.#admissions++
    return this.#admit(channel, symbol, partition)
  }

  /** The items of one event: none of them gives way to another, though there be one more than there may be. */
  admitAll(channel: Channel, symbols: Iterable<string>, partition: number): Item[] {
    this.#admissions++
    const [known, others]: [Item[], string[]] = [[], []]
    for (const symbol of symbols) {
      if (this.find(channel, symbol) === undefined) others.push(symbol)
      else known.push(this.#admit(channel, symbol, partition))
    }
    return [...known, ...others.map(symbol => this.#admit(channel, symbol, partition))]
  }

  /** The item of an event from before everything that was admitted; `undefined` if it is known, or has no place. */
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

  /** Lets go of one item; its number. */
  #forget(): number | undefined {
    const item = this.#findUnclaimed() ?? this.#findClaimed()
    if (item === undefined) return undefined
    unlink(item)
    this.of(item.channel).delete(item.symbol)
    this.forgotten[this.claimOf(item)]++
    this.onForgotten(item)
    return item.number
  }

  #findUnclaimed(): Item | undefined {
    for (let looks = 0; looks < looksAgain; looks++) {
      const item = this.#claimed.first
      if (item === undefined) break
      if (this.claimOf(item) === 'none') return item
      this.#claimed.put(item)
    }
    for (let looks = 0; looks < mostIdleLooks; looks++) {
      const item = this.#idle.first
      if (item === undefined || item.admission === this.#admissions) return undefined
      if (this.claimOf(item) === 'none') return item
      this.#claimed.put(item)
    }
    return undefined
  }

  /** All are claimed: rather one of which everyone has been told everything. */
  #findClaimed(): Item | undefined {
    const first = this.#claimed.first
    for (let looks = 0; looks < mostLooks; looks++) {
      const item = this.#claimed.first
      if (item === undefined || this.claimOf(item) !== 'untold') return item
      this.#claimed.put(item)
    }
    return first
  }
}

/** Items in the order in which they were last put in. An item is in one queue at most; putting it into another takes it out of this one. */
class ItemQueue {
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
function unlink(item: Item): void {
  item.before.after = item.after
  item.after.before = item.before
  item.before = item
  item.after = item
}
