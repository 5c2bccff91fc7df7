import { type Channel, channels } from '../event/event.ts'
import { Item } from './item.ts'

/** Every item that has had an event. Bounded: at the limit `admit` refuses. */
export class Items {
  readonly #limit: number
  readonly #bySymbol = new Map<Channel, Map<string, Item>>(channels.map(channel => [channel, new Map()]))
  readonly #byNumber: Item[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#byNumber.length
  }

  find(channel: Channel, symbol: string): Item | undefined {
    return this.#bySymbol.get(channel)?.get(symbol)
  }

  /** The item with this number. */
  at(number: number): Item | undefined {
    return this.#byNumber[number]
  }

  /** The item, made if this is its first event; `undefined` when the node has as many as it may. */
  admit(channel: Channel, symbol: string, partition: number): Item | undefined {
    const bySymbol = this.of(channel)
    const known = bySymbol.get(symbol)
    if (known !== undefined) return known
    if (this.#byNumber.length >= this.#limit) return undefined
    const item = new Item(this.#byNumber.length, channel, symbol, partition)
    bySymbol.set(symbol, item)
    this.#byNumber.push(item)
    return item
  }

  /** The items of a channel by symbol. */
  of(channel: Channel): Map<string, Item> {
    const bySymbol = this.#bySymbol.get(channel)
    if (bySymbol === undefined) throw new RangeError(`no such channel: ${channel}`)
    return bySymbol
  }
}
