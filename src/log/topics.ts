import { type Channel, channelOfType, type MarketEvent } from '../event/event.ts'

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

/** The topic that the events of a channel are appended to. Readers do not rely on it: an event's `T` decides its channel. */
export function topicOfChannel(channel: Channel, topics: Topics): string {
  return topics[streamOfChannel[channel]]
}

/** The topic that an event is appended to. */
export function topicOf(event: MarketEvent, topics: Topics): string {
  return topicOfChannel(channelOfType[event.T], topics)
}

/** The record key of an event: its symbol; for news its id. */
export function recordKeyOf(event: MarketEvent): string {
  return event.T === 'n' ? String(event.id) : event.S
}
