import { entitles, entitlesChannel, type Grant } from '../../auth/grant.ts'
import { channelOfType, type MarketEvent } from '../../event/event.ts'

/**
 * The first item of an event that a grant does not entitle to, as `quotes/TSLA`; `undefined` where it entitles to all. News
 * belongs to every one of its symbols, and with none to `*`, for which the grant must allow every symbol.
 */
export function unentitledItem(grant: Grant, event: MarketEvent): string | undefined {
  const channel = channelOfType[event.T]
  const symbols = event.T === 'n' ? event.symbols : [event.S]
  if (!entitlesChannel(grant, channel)) return `${channel}/${symbols[0] ?? '*'}`
  if (grant.symbols === '*') return undefined
  const symbol = symbols.length === 0 ? '*' : symbols.find(each => !entitles(grant.symbols, each))
  return symbol === undefined ? undefined : `${channel}/${symbol}`
}
