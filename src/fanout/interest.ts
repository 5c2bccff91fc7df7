import { type Channel, channels } from '../event/event.ts'

/** What a session receives: per channel every symbol (`'*'`) or some. Channels without any are left out. */
export type Interest = ReadonlyMap<Channel, '*' | ReadonlySet<string>>

/** Equal for equal interests, whatever the order in which they came about. */
export function keyOf(interest: Interest): string {
  let key = ''
  for (const channel of channels) {
    const symbols = interest.get(channel)
    if (symbols === undefined) continue
    key += `${channel}:${symbols === '*' ? '*' : [...symbols].toSorted().join(',')};`
  }
  return key
}
