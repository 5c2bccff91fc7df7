import type { Kind } from './kind.ts'

/** A feed that the node serves. */
export interface FeedConfig {
  readonly name: string
  /** How much later than the log it gives each event; 0: at once. */
  readonly delayMs: number
}

/** The feeds of a node; the first is for clients that name none. */
export type FeedConfigs = readonly [FeedConfig, ...FeedConfig[]]

const maxFeeds = 8
const leastDelayMs = 1000
const longestDelayMs = 86_400_000

/** A list of feeds, each with a delay in ms after a colon, or without a delay. */
export const feedList: Kind<FeedConfigs> = {
  expected:
    `1 to ${maxFeeds} feeds such as live,delayed:900000; a name has 1 to 32 of a-z, 0-9 and "-" and begins ` +
    `with a letter, a delay is 0 or ${leastDelayMs} to ${longestDelayMs} milliseconds`,
  parse(text) {
    const feeds: FeedConfig[] = []
    for (const entry of text.split(',').map(piece => piece.trim())) {
      const feed = parseFeed(entry)
      if (typeof feed === 'string') return { fault: `${JSON.stringify(entry)}: ${feed}` }
      if (feeds.some(({ name }) => name === feed.name))
        return { fault: `${JSON.stringify(entry)}: the name is there already; expected a different one` }
      feeds.push(feed)
    }
    const [first, ...others] = feeds
    if (first === undefined || feeds.length > maxFeeds)
      return { fault: `${feeds.length} feeds; expected 1 to ${maxFeeds}` }
    return { value: [first, ...others] }
  },
}

/** Returns the feed, or the rule that its text breaks. */
function parseFeed(text: string): FeedConfig | string {
  const [name = '', delay, ...rest] = text.split(':').map(piece => piece.trim())
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name))
    return 'expected a name of 1 to 32 of a-z, 0-9 and "-" that begins with a letter'
  if (rest.length > 0) return 'expected NAME or NAME:DELAY'
  if (delay === undefined) return { name, delayMs: 0 }
  const delayMs = /^\d{1,9}$/.test(delay) ? Number(delay) : Number.NaN
  const isDelay = delayMs === 0 || (delayMs >= leastDelayMs && delayMs <= longestDelayMs)
  if (isDelay) return { name, delayMs }
  return `expected a delay of 0, or ${leastDelayMs} to ${longestDelayMs} milliseconds (900000 is 15 minutes)`
}
