import { type Channel, channelOfType, type MarketEvent } from '../event/event.ts'

/** The five streams of the log. Each has a topic of its own, unless the configuration joins them. */
export const streams = ['trades', 'quotes', 'bars', 'statuses', 'news'] as const

export type Stream = (typeof streams)[number]

/** The name of each stream's topic. */
export type Topics = Readonly<Record<Stream, string>>

export const defaultTopics: Topics = {
  trades: 'market.trades',
  quotes: 'market.quotes',
  bars: 'market.bars',
  statuses: 'market.statuses',
  news: 'market.news',
}

/** Corrections and cancels go to the topic of the trades, so that they stay in order with them. */
const streamOfChannel: Readonly<Record<Channel, Stream>> = {
  trades: 'trades',
  corrections: 'trades',
  cancelErrors: 'trades',
  quotes: 'quotes',
  bars: 'bars',
  updatedBars: 'bars',
  dailyBars: 'bars',
  statuses: 'statuses',
  lulds: 'statuses',
  news: 'news',
}

/** The topic to append a channel's events to. For readers an event's `T` decides its channel. */
export function topicOfChannel(channel: Channel, topics: Topics): string {
  return topics[streamOfChannel[channel]]
}

/** The topic to append an event to. */
export function topicOf(event: MarketEvent, topics: Topics): string {
  return topicOfChannel(channelOfType[event.T], topics)
}

/** The record key of an event: its symbol, or its id if it is news. */
export function recordKeyOf(event: MarketEvent): string {
  return event.T === 'n' ? String(event.id) : event.S
}
