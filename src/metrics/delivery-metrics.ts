import { Histogram, type Registry } from 'prom-client'
import type { ActiveFilters } from '../feed/active-filters.ts'
import type { Feed } from '../feed/feed.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { type Row, declareCounter, declareGauge, rows, rowsByFeed } from './declare-metric.ts'

const latencyBucketsS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

interface FeedSource {
  readonly name: string
  readonly feed: Feed
}

/** Declares the metrics of items, audiences and deliveries. */
export function declareDelivery(registry: Registry, feeds: readonly FeedSource[]): void {
  const countOf = (name: 'deliveries' | 'bytes' | 'events' | 'flushes'): Row[] =>
    rowsByFeed(feeds, ({ feed: { fanOut, conflation } }) => fanOut.counts[name] + conflation.counts[name])
  declareGauge(registry, {
    name: 'ticker_items',
    help: 'Items (channel, symbol) whose last event is kept',
    hint: 'At TICKER_MAX_ITEMS: a new item replaces the one that has been idle longest',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ feed }) => feed.lastValues.items.size),
  })
  declareCounter(registry, {
    name: 'ticker_items_forgotten_total',
    help: 'Items that a new one replaced, by the claim of sessions to them',
    hint:
      'A rise of none: symbols come and go. Of named or untold: TICKER_MAX_ITEMS is too small for ' +
      'the subscriptions, or a producer floods the topics with symbols',
    labelNames: ['feed', 'claim'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ feed }) => rows('claim', feed.lastValues.items.forgotten)),
  })
  declareGauge(registry, {
    name: 'ticker_subscribed_items',
    help: 'Different items with a subscriber, a wildcard counted as one',
    hint: 'A fall to 0: no client is subscribed, or none can subscribe',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ feed }) => feed.subscribedItems),
  })
  declareGauge(registry, {
    name: 'ticker_audiences',
    help: 'Groups of live sessions that share their frames',
    hint: 'Near the number of sessions: little is shared, and each session costs frames of its own',
    labelNames: ['feed'],
    aggregator: 'sum',
    read: () => rowsByFeed(feeds, ({ feed }) => feed.fanOut.audienceCount),
  })
  declareCounter(registry, {
    name: 'ticker_deliveries_total',
    help: 'Events delivered: one event to one session is one',
    hint: 'Standing still while events are read: no session is subscribed to them',
    labelNames: ['feed'],
    read: () => countOf('deliveries'),
  })
  declareCounter(registry, {
    name: 'ticker_delivered_bytes_total',
    help: 'Bytes of messages with events handed to transports, without their headers, before compression',
    hint: 'Near the capacity of the network: more nodes are needed',
    labelNames: ['feed'],
    read: () => countOf('bytes'),
  })
  declareCounter(registry, {
    name: 'ticker_deflated_bytes_total',
    help:
      'Bytes of compressed frames, each counted once for all of its receivers, before (plain) and ' +
      'after (compressed)',
    hint: 'Little difference: the events do not repeat, and TICKER_DEFLATE=off saves the time',
    labelNames: ['feed', 'form'],
    read: () => rowsByFeed(feeds, ({ feed }) => rows('form', { ...feed.fanOut.deflated })),
  })
  declareCounter(registry, {
    name: 'ticker_flushed_events_total',
    help: 'Events put into frames, one for each audience that receives them',
    hint: 'Many per flush: batches grow, under load or because the producer batches',
    labelNames: ['feed'],
    read: () => countOf('events'),
  })
  declareCounter(registry, {
    name: 'ticker_flushes_total',
    help:
      'Flushes, one per audience and batch or end of its interval, each built once and written to ' +
      'every session of the audience',
    hint: 'Few deliveries per flush: little is shared',
    labelNames: ['feed'],
    read: () => countOf('flushes'),
  })
}

interface LatencySource {
  readonly name: string
  readonly ingest: Ingest
}

/** Declares the metric of how long events take through this node. */
export function declareLatency(registry: Registry, feeds: readonly LatencySource[]): void {
  const latency = new Histogram({
    name: 'ticker_delivery_latency_seconds',
    help:
      'Time from the timestamp of the oldest record of a flush, plus the delay of the feed, to its ' +
      'write to the sockets, if there is one and it is less than an hour old. A rise: the event loop is busy, Kafka is slow, ' +
      'or clocks differ',
    labelNames: ['feed'],
    buckets: latencyBucketsS,
    registers: [registry],
  })
  for (const { name: feed, ingest } of feeds) {
    latency.zero({ feed })
    ingest.onDelivered.add(latencyMs => latency.observe({ feed }, latencyMs / 1000))
  }
}

/** Declares the metrics of conflation by interval. */
export function declareConflation(registry: Registry, feeds: readonly FeedSource[]): void {
  declareGauge(registry, {
    name: 'ticker_conflating_audiences',
    help: 'Groups of sessions that share their conflated frames (conflateMs), by interval in ms',
    hint: 'Near the number of sessions: little is shared, and each session costs frames of its own',
    labelNames: ['feed', 'interval'],
    aggregator: 'sum',
    read: () =>
      rowsByFeed(feeds, ({ feed: { conflation } }) =>
        [...conflation.audienceCounts].map(
          ([interval, count]): Row => [{ interval: String(interval) }, count],
        ),
      ),
  })
  declareCounter(registry, {
    name: 'ticker_conflation_ticks_total',
    help: 'Ends of conflation intervals, by outcome',
    hint:
      'A rise of put_off: the node cannot deliver to all its sessions within their interval, so ' +
      'intervals last longer',
    labelNames: ['feed', 'outcome'],
    read: () => rowsByFeed(feeds, ({ feed }) => rows('outcome', feed.conflation.counts.ticks)),
  })
}

/** Declares the metrics of the filters of subscriptions. */
export function declareFilters(registry: Registry, filters: ActiveFilters): void {
  declareGauge(registry, {
    name: 'ticker_filters',
    help: 'Different filters (where) that sessions use',
    hint: 'At TICKER_MAX_FILTERS: further ones are refused with error 405',
    aggregator: 'max',
    read: () => filters.size,
  })
  declareCounter(registry, {
    name: 'ticker_filter_evaluations_total',
    help: 'Evaluations of filters: one filter of one event is one, however many sessions share the filter',
    hint: 'A rise: more different filters, or more events of their items',
    read: () => filters.evaluations,
  })
  declareCounter(registry, {
    name: 'ticker_filter_seconds_total',
    help: 'Time spent evaluating filters, estimated from every 256th evaluation',
    hint: 'A large share of a core: clients use many different or costly filters. Lower TICKER_MAX_FILTERS',
    read: () => filters.seconds,
  })
}
