import { type Channel, channels } from '../event/event.ts'

/** What a session receives: per channel every symbol (`'*'`) or some. Channels without any are left out. */
export type Selection = ReadonlyMap<Channel, '*' | ReadonlySet<string>>

/** Corrections and cancels mend trades, so whoever subscribes to trades receives theirs. */
export const followsTrades: ReadonlySet<Channel> = new Set(['corrections', 'cancelErrors'])

/** Whether a symbol of a channel is among what is wanted. */
export function wants(selection: Selection, channel: Channel, symbol: string): boolean {
  const symbols = selection.get(channel)
  return symbols === '*' || (symbols?.has(symbol) ?? false)
}

/** Equal for equal interests, whatever the order in which they came about, and for no others: symbols have no `,` `"` or `\\`. */
export function selectionKey(selection: Selection): string {
  let key = ''
  let first: string | undefined
  for (const channel of channels) {
    const symbols = selection.get(channel)
    if (symbols === undefined) continue
    const names = symbols === '*' ? '*' : [...symbols].toSorted().join(',')
    // As a rule those of the first channel again: a mark makes the key short, for it is kept.
    key += `${channel}"${names === first ? '\\' : names}"`
    first ??= names
  }
  return key
}

/** Whether everything wanted by an interest is wanted by another one, too. */
export function isWithin(selection: Selection, other: Selection): boolean {
  for (const [channel, symbols] of selection) {
    for (const symbol of symbols) if (!wants(other, channel, symbol)) return false
  }
  return true
}

/** Which names are wanted, each (channel, symbol) with the number of those who want it; `'*'` is a name too. */
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
