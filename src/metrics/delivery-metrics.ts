import { Histogram, type Registry } from 'prom-client'
import type { ActiveFilters } from '../feed/active-filters.ts'
import type { Feed } from '../feed/feed.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { type Row, declareCounter, declareGauge, rows } from './declare-metric.ts'

const latencyBucketsS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Declares the metrics of items, audiences and deliveries. */
export function declareDelivery(registry: Registry, feed: Feed): void {
  const { fanOut, conflation, lastValues } = feed
  declareGauge(registry, {
    name: 'ticker_items',
    help: 'Items (channel, symbol) whose last event is kept',
    hint: 'At TICKER_MAX_ITEMS: a new item replaces the one that has been idle longest',
    aggregator: 'max',
    read: () => lastValues.items.size,
  })
  declareCounter(registry, {
    name: 'ticker_items_forgotten_total',
    help: 'Items that a new one replaced, by the claim of sessions to them',
    hint:
      'A rise of none: symbols come and go. Of named or untold: TICKER_MAX_ITEMS is too small for ' +
      'the subscriptions, or a producer floods the topics with symbols',
    labelNames: ['claim'],
    aggregator: 'max',
    read: () => rows('claim', lastValues.items.forgotten),
  })
  declareGauge(registry, {
    name: 'ticker_subscribed_items',
    help: 'Different items with a subscriber, a wildcard counted as one',
    hint: 'A fall to 0: no client is subscribed, or none can subscribe',
    aggregator: 'max',
    read: () => feed.subscribedItems,
  })
  declareGauge(registry, {
    name: 'ticker_audiences',
    help: 'Groups of live sessions that share their frames',
    hint: 'Near the number of sessions: little is shared, and each session costs frames of its own',
    aggregator: 'sum',
    read: () => fanOut.audienceCount,
  })
  declareCounter(registry, {
    name: 'ticker_deliveries_total',
    help: 'Events delivered: one event to one session is one',
    hint: 'Standing still while events are read: no session is subscribed to them',
    read: () => fanOut.counts.deliveries + conflation.counts.deliveries,
  })
  declareCounter(registry, {
    name: 'ticker_delivered_bytes_total',
    help: 'Bytes of events written to sockets, including frame headers, before compression',
    hint: 'Near the capacity of the network: more nodes are needed',
    read: () => fanOut.counts.bytes + conflation.counts.bytes,
  })
  declareCounter(registry, {
    name: 'ticker_deflated_bytes_total',
    help:
      'Bytes of compressed frames, each counted once for all of its receivers, before (plain) and ' +
      'after (compressed)',
    hint: 'Little difference: the events do not repeat, and TICKER_DEFLATE=off saves the time',
    labelNames: ['form'],
    read: () => rows('form', { ...fanOut.deflated }),
  })
  declareCounter(registry, {
    name: 'ticker_flushed_events_total',
    help: 'Events put into frames, one for each audience that receives them',
    hint: 'Many per flush: batches grow, under load or because the producer batches',
    read: () => fanOut.counts.events + conflation.counts.events,
  })
  declareCounter(registry, {
    name: 'ticker_flushes_total',
    help:
      'Flushes, one per audience and batch or end of its interval, each built once and written to ' +
      'every session of the audience',
    hint: 'Few deliveries per flush: little is shared',
    read: () => fanOut.counts.flushes + conflation.counts.flushes,
  })
}

/** Declares the metric of how long events take through this node. */
export function declareLatency(registry: Registry, ingest: Ingest): void {
  const latency = new Histogram({
    name: 'ticker_delivery_latency_seconds',
    help:
      'Time from the timestamp of the oldest record of a flush to its write to the sockets, if ' +
      'there is one and it is less than an hour old. A rise: the event loop is busy, Kafka is slow, ' +
      'or clocks differ',
    buckets: latencyBucketsS,
    registers: [registry],
  })
  ingest.onDelivered.add(latencyMs => latency.observe(latencyMs / 1000))
}

/** Declares the metrics of conflation by interval. */
export function declareConflation(registry: Registry, { conflation }: Feed): void {
  declareGauge(registry, {
    name: 'ticker_conflating_audiences',
    help: 'Groups of sessions that share their conflated frames (conflateMs), by interval in ms',
    hint: 'Near the number of sessions: little is shared, and each session costs frames of its own',
    labelNames: ['interval'],
    aggregator: 'sum',
    read: () =>
      [...conflation.audienceCounts].map(([interval, count]): Row => [{ interval: String(interval) }, count]),
  })
  declareCounter(registry, {
    name: 'ticker_conflation_ticks_total',
    help: 'Ends of conflation intervals, by outcome',
    hint:
      'A rise of put_off: the node cannot deliver to all its sessions within their interval, so ' +
      'intervals last longer',
    labelNames: ['outcome'],
    read: () => rows('outcome', conflation.counts.ticks),
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
