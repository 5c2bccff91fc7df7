import { type Channel, channels } from '../event/event.ts'

/**
 * The names that a session selects: by channel, every symbol (`'*'`) or some. A channel without any is
 * absent.
 */
export type Selection = ReadonlyMap<Channel, '*' | ReadonlySet<string>>

/** Channels that a subscription to trades includes: corrections and cancels mend trades. */
export const followsTrades: ReadonlySet<Channel> = new Set(['corrections', 'cancelErrors'])

/** Whether a selection includes a symbol of a channel. */
export function selects(selection: Selection, channel: Channel, symbol: string): boolean {
  const symbols = selection.get(channel)
  return symbols === '*' || (symbols?.has(symbol) ?? false)
}

/**
 * A key that is equal for equal selections, however they came about, and for no others. Symbols contain no
 * `,` `"` or `\\`.
 */
export function selectionKey(selection: Selection): string {
  let key = ''
  let first: string | undefined
  for (const channel of channels) {
    const symbols = selection.get(channel)
    if (symbols === undefined) continue
    const names = symbols === '*' ? '*' : [...symbols].toSorted().join(',')
    // Keys are kept: a mark stands for the names of the first channel, which the others as a rule repeat.
    key += `${channel}"${names === first ? '\\' : names}"`
    first ??= names
  }
  return key
}

/** Whether `other` includes everything that `selection` includes. */
export function isWithin(selection: Selection, other: Selection): boolean {
  for (const [channel, symbols] of selection) {
    for (const symbol of symbols) if (!selects(other, channel, symbol)) return false
  }
  return true
}

/** The names that subscribers selected, each (channel, symbol) with their number; `'*'` is a name, too. */
export class SubscriberCounts {
  readonly #byChannel = new Map<Channel, Map<string, number>>()

  add(selection: Selection): void {
    for (const [channel, symbols] of selection) {
      let counts = this.#byChannel.get(channel)
      if (counts === undefined) this.#byChannel.set(channel, (counts = new Map()))
      for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
    }
  }

  remove(selection: Selection): void {
    for (const [channel, symbols] of selection) {
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

  /** Whether any subscriber selects an item, by its name or with the whole channel. */
  selects(channel: Channel, symbol: string): boolean {
    const counts = this.#byChannel.get(channel)
    return counts !== undefined && (counts.has(symbol) || counts.has('*'))
  }

  /** Whether a subscriber selected this very name. */
  has(channel: Channel, name: string): boolean {
    return this.#byChannel.get(channel)?.has(name) ?? false
  }

  *names(): Generator<readonly [channel: Channel, name: string], void> {
    for (const [channel, counts] of this.#byChannel) for (const name of counts.keys()) yield [channel, name]
  }
}
