import { type Channel, channels } from '../event/event.ts'

/** What a session receives: per channel every symbol (`'*'`) or some. Channels without any are left out. */
export type Interest = ReadonlyMap<Channel, '*' | ReadonlySet<string>>

/** Corrections and cancels mend trades, so whoever subscribes to trades receives theirs. */
export const followsTrades: ReadonlySet<Channel> = new Set(['corrections', 'cancelErrors'])

/** Whether a symbol of a channel is among what is wanted. */
export function wants(interest: Interest, channel: Channel, symbol: string): boolean {
  const symbols = interest.get(channel)
  return symbols === '*' || (symbols?.has(symbol) ?? false)
}

/** Equal for equal interests, whatever the order in which they came about, and for no others: symbols have no `,` `"` or `\\`. */
export function keyOf(interest: Interest): string {
  let key = ''
  let first: string | undefined
  for (const channel of channels) {
    const symbols = interest.get(channel)
    if (symbols === undefined) continue
    const names = symbols === '*' ? '*' : [...symbols].toSorted().join(',')
    // As a rule those of the first channel again: a mark makes the key short, for it is kept.
    key += `${channel}"${names === first ? '\\' : names}"`
    first ??= names
  }
  return key
}

/** Whether everything wanted by an interest is wanted by another one, too. */
export function isWithin(interest: Interest, other: Interest): boolean {
  for (const [channel, symbols] of interest) {
    for (const symbol of symbols) if (!wants(other, channel, symbol)) return false
  }
  return true
}
