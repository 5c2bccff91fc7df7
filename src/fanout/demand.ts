import type { Channel } from '../event/event.ts'
import type { Interest } from './interest.ts'

/** Which names are wanted, each (channel, symbol) with the number of those who want it; `'*'` is a name too. */
export class Demand {
  readonly #byChannel = new Map<Channel, Map<string, number>>()

  add(interest: Interest): void {
    for (const [channel, symbols] of interest) {
      let counts = this.#byChannel.get(channel)
      if (counts === undefined) this.#byChannel.set(channel, (counts = new Map()))
      for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
    }
  }

  remove(interest: Interest): void {
    for (const [channel, symbols] of interest) {
      const counts = this.#byChannel.get(channel)
      if (counts === undefined) continue
      for (const symbol of symbols) {
        const rest = (counts.get(symbol) ?? 0) - 1
        if (rest > 0) counts.set(symbol, rest)
        else counts.delete(symbol)
      }
      if (counts.size === 0) this.#byChannel.delete(channel)
    }
  }

  /** Whether anyone wants an item, by its name or with its channel. */
  wants(channel: Channel, symbol: string): boolean {
    const counts = this.#byChannel.get(channel)
    return counts !== undefined && (counts.has(symbol) || counts.has('*'))
  }

  /** Whether this very name is wanted. */
  has(channel: Channel, name: string): boolean {
    return this.#byChannel.get(channel)?.has(name) ?? false
  }

  *names(): Generator<readonly [channel: Channel, name: string], void> {
    for (const [channel, counts] of this.#byChannel) for (const name of counts.keys()) yield [channel, name]
  }
}
