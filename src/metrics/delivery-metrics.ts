import { Histogram, type Registry } from 'prom-client'
import type { Feed } from '../feed/feed.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { type Row, declareCounter, declareGauge, rows } from './declare-metric.ts'

const latencyBucketsS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Declares what is known of items, audiences and what they are sent. */
export function declareDelivery(registry: Registry, feed: Feed): void {
  const { fanout, conflation, lastValues } = feed
  declareGauge(
    registry,
    'ticker_items',
    'Items (channel, symbol) whose last event is kept. At TICKER_MAX_ITEMS: a new item ' +
      'replaces the one that has been idle longest',
    [],
    () => lastValues.items.size,
  )
  declareCounter(
    registry,
    'ticker_items_forgotten_total',
    'Items that a new one replaced, by the claim of sessions to them. A rise of none: symbols ' +
      'come and go. Of named or untold: TICKER_MAX_ITEMS is too small for the subscriptions, or ' +
      'a producer floods the topics with symbols',
    ['claim'],
    () => rows('claim', lastValues.items.forgotten),
  )
  declareGauge(
    registry,
    'ticker_subscribed_items',
    'Different items with a subscriber, a wildcard counted as one. A fall to 0: no client is ' +
      'subscribed, or none can subscribe',
    [],
    () => feed.subscribedItems,
  )
  declareGauge(
    registry,
    'ticker_audiences',
    'Groups of live sessions that share their frames. Near the number of sessions: little is ' +
      'shared, and each session costs frames of its own',
    [],
    () => fanout.audienceCount,
  )
  declareCounter(
    registry,
    'ticker_deliveries_total',
    'Events delivered: one event to one session is one. Standing still while events are read: ' +
      'no session is subscribed to them',
    [],
    () => fanout.counts.deliveries + conflation.counts.deliveries,
  )
  declareCounter(
    registry,
    'ticker_delivered_bytes_total',
    'Bytes of events written to sockets, including frame headers, before compression. Near ' +
      'the capacity of the network: more nodes are needed',
    [],
    () => fanout.counts.bytes + conflation.counts.bytes,
  )
  declareCounter(
    registry,
    'ticker_deflated_bytes_total',
    'Bytes of compressed frames, each counted once for all of its receivers, before (plain) ' +
      'and after (compressed). Little difference: the events do not repeat, and ' +
      'TICKER_DEFLATE=off saves the time',
    ['form'],
    () => rows('form', { ...fanout.deflated }),
  )
  declareCounter(
    registry,
    'ticker_flushed_events_total',
    'Events put into frames, one for each audience that receives them. Many per flush: ' +
      'batches grow, under load or because the producer batches',
    [],
    () => fanout.counts.events + conflation.counts.events,
  )
  declareCounter(
    registry,
    'ticker_flushes_total',
    'Flushes, one per audience and batch or end of its interval, each built once and written ' +
      'to every session of the audience. Few deliveries per flush: little is shared',
    [],
    () => fanout.counts.flushes + conflation.counts.flushes,
  )
}

/** Declares how long events take through this node. */
export function declareLatency(registry: Registry, ingest: Ingest): void {
  const latency = new Histogram({
    name: 'ticker_delivery_latency_seconds',
    help:
      'Time from the timestamp of the oldest record of a flush to its write to the sockets, if ' +
      'there is one and it is less than an hour old. A rise: the event loop is busy, Kafka is ' +
      'slow, or clocks differ',
    buckets: latencyBucketsS,
    registers: [registry],
  })
  ingest.onDelivered.add(latencyMs => latency.observe(latencyMs / 1000))
}

/** Declares what is known of what is told at intervals. */
export function declareConflation(registry: Registry, { conflation }: Feed): void {
  declareGauge(
    registry,
    'ticker_conflating_audiences',
    'Groups of sessions that share their conflated frames (conflateMs), by interval in ms. ' +
      'Near the number of sessions: little is shared, and each session costs frames of its own',
    ['interval'],
    () =>
      [...conflation.audienceCounts].map(([interval, count]): Row => [{ interval: String(interval) }, count]),
  )
  declareCounter(
    registry,
    'ticker_conflation_ticks_total',
    'Ends of conflation intervals, by outcome. A rise of put_off: the node cannot deliver to ' +
      'all its sessions within their interval, so intervals last longer',
    ['outcome'],
    () => rows('outcome', conflation.counts.ticks),
  )
}
