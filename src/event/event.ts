/**
 * The market events, with Alpaca's field names
 * (https://docs.alpaca.markets/docs/real-time-stock-pricing-data). Times (`t`, `created_at`, `updated_at`)
 * are RFC 3339 text with the fraction digits they came with; prices are decimal numbers; sizes, volumes and
 * counts are not negative; integers are at most 2^53 - 1.
 */

/** A whole number or a text, as in the feed. */
export type TradeId = number | string

/** A trade. */
export interface Trade {
  readonly T: 't'
  readonly S: string
  /** Trade id, unique per symbol, exchange and day. */
  readonly i?: TradeId
  /** Exchange code. */
  readonly x?: string
  readonly p: number
  readonly s: number
  /** Sale conditions. */
  readonly c?: readonly string[]
  readonly t: string
  /** Tape: `A`, `B` or `C`. */
  readonly z?: string
  /** Taker side of a crypto trade: `B` or `S`. */
  readonly tks?: string
}

/** The best bid and offer. */
export interface Quote {
  readonly T: 'q'
  readonly S: string
  readonly bx?: string
  readonly bp: number
  readonly bs: number
  readonly ax?: string
  readonly ap: number
  readonly as: number
  readonly c?: readonly string[]
  readonly t: string
  readonly z?: string
}

/** A minute bar (`b`), a minute bar updated by a late trade (`u`) or the running daily bar (`d`). */
export interface Bar {
  readonly T: 'b' | 'u' | 'd'
  readonly S: string
  readonly o: number
  readonly h: number
  readonly l: number
  readonly c: number
  readonly v: number
  /** Number of trades. */
  readonly n?: number
  /** Volume-weighted average price. */
  readonly vw?: number
  /** Start of the bar. */
  readonly t: string
}

/** A trading status, such as a halt. */
export interface Status {
  readonly T: 's'
  readonly S: string
  readonly sc: string
  readonly sm?: string
  readonly rc?: string
  readonly rm?: string
  readonly t: string
  readonly z?: string
}

/** Limit up, limit down: the band outside which no trade may happen. */
export interface Luld {
  readonly T: 'l'
  readonly S: string
  readonly u: number
  readonly d: number
  /** Indicator. */
  readonly i?: string
  readonly t: string
  readonly z?: string
}

/** A correction of an earlier trade: the original (`o…`) and the corrected (`c…`) values. */
export interface Correction {
  readonly T: 'c'
  readonly S: string
  readonly x?: string
  readonly oi?: TradeId
  readonly op: number
  readonly os: number
  readonly oc?: readonly string[]
  readonly ci?: TradeId
  readonly cp: number
  readonly cs: number
  readonly cc?: readonly string[]
  readonly t: string
  readonly z?: string
}

/** A trade cancelled (`a` = `C`) or reported in error (`E`). */
export interface CancelError {
  readonly T: 'x'
  readonly S: string
  readonly i?: TradeId
  readonly x?: string
  readonly p: number
  readonly s: number
  readonly a?: string
  readonly t: string
  readonly z?: string
}

/** A news article; it belongs to every one of its `symbols`, and with none only to subscribers of `*`. */
export interface News {
  readonly T: 'n'
  readonly id: number | string
  readonly headline: string
  readonly summary?: string
  readonly author?: string
  readonly created_at: string
  readonly updated_at?: string
  readonly url?: string
  readonly content?: string
  readonly symbols: readonly string[]
  readonly source?: string
}

export type MarketEvent = Trade | Quote | Bar | Status | Luld | Correction | CancelError | News

/** The type letter of an event. */
export type EventType = MarketEvent['T']

/** The channel that each event type travels on. */
export const channelOfType = {
  t: 'trades',
  q: 'quotes',
  b: 'bars',
  u: 'updatedBars',
  d: 'dailyBars',
  s: 'statuses',
  l: 'lulds',
  c: 'corrections',
  x: 'cancelErrors',
  n: 'news',
} as const satisfies Record<EventType, string>

export type Channel = (typeof channelOfType)[EventType]

/** Every channel, in the order in which Alpaca's acknowledgements list them. */
export const channels = [
  'trades',
  'quotes',
  'bars',
  'updatedBars',
  'dailyBars',
  'statuses',
  'lulds',
  'corrections',
  'cancelErrors',
  'news',
] as const satisfies readonly Channel[]
