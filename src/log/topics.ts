import type { EventType, MarketEvent } from '../event/event.ts'

/** The five streams of the log; each is one topic. */
export const streams = ['trades', 'quotes', 'bars', 'statuses', 'news'] as const

export type Stream = (typeof streams)[number]

/** The topic's name per stream. */
export type Topics = Readonly<Record<Stream, string>>

export const defaultTopics: Topics = {
  trades: 'market.trades',
  quotes: 'market.quotes',
  bars: 'market.bars',
  statuses: 'market.statuses',
  news: 'market.news',
}

/** Corrections and cancels travel with the trades, so that they stay in order with them. */
const streamOfType: Readonly<Record<EventType, Stream>> = {
  t: 'trades',
  c: 'trades',
  x: 'trades',
  q: 'quotes',
  b: 'bars',
  u: 'bars',
  d: 'bars',
  s: 'statuses',
  l: 'statuses',
  n: 'news',
}

/** The topic that an event is appended to. Readers do not rely on it: an event's `T` decides its channel. */
export function topicOf(event: MarketEvent, topics: Topics): string {
  return topics[streamOfType[event.T]]
}

/** The record key of an event: its symbol; for news its id. */
export function keyOf(event: MarketEvent): string {
  return event.T === 'n' ? String(event.id) : event.S
}
