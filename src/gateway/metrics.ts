import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { Feed } from '../fanout/feed.ts'
import type { PublishCounts } from '../http/publish/publish-counts.ts'
import { EventLoopDelay } from './event-loop-delay.ts'
import type { Ingest } from './ingest.ts'
import { closeCodes, closeReasons } from '../session/close-code.ts'
import type { UnstableEnd } from '../log/kafka/stable-ends.ts'
import type { Sessions } from '../session/sessions.ts'
import { counter, gauge, type Row, rows } from './read-metric.ts'
import { declareWarmUp } from './warm-up-metrics.ts'
import type { RefusalCounts } from '../transport/refusal-counts.ts'

/** Where the figures are read from when Prometheus asks: plain fields, counted on the delivery path. */
export interface MetricSources {
  readonly feed: Feed
  readonly ingest: Ingest
  readonly sessions: Sessions
  readonly refusals: RefusalCounts
  readonly publishing: PublishCounts
  readonly isReady: () => boolean
  readonly version: string
  /** Counters of the log under the feed, by name; what each means stands beside its declaration. */
  readonly logStats: Readonly<Record<string, number>>
  /** What open transactions hold back, by partition. */
  readonly unstableEnds: () => readonly UnstableEnd[]
}

const latencyBucketsS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * Declares every metric. Labels come from closed sets: never a symbol, a user or an address. The first sentence of a help
 * says what is measured, the rest what a change suggests; docs/metrics.md has the same words.
 */
export function createMetrics(sources: MetricSources): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  declareSessions(registry, sources)
  declareDelivery(registry, sources)
  declareWarmUp(registry, sources.ingest.warmUp)
  declareIngest(registry, sources)
  declareStableEnds(registry, sources)
  declarePublishing(registry, sources.publishing)
  declareLatency(registry, sources.ingest)
  declareProcess(registry, sources)
  return registry
}

function declareSessions(registry: Registry, sources: MetricSources): void {
  gauge(
    registry,
    'ticker_connections',
    'Open stream connections. A jump: another node is gone, or clients connect again and again',
    [],
    () => sources.sessions.size,
  )
  gauge(
    registry,
    'ticker_sessions',
    'Sessions by state. Many connected or verifying: clients do not authenticate, or the key set is slow',
    ['state'],
    () => {
      const { connected, verifying, live } = sources.sessions.counts.states
      return rows('state', { connected, verifying, live })
    },
  )
  counter(
    registry,
    'ticker_session_errors_total',
    'Errors told to clients by code (PROTOCOL.md §6). A rise of 402: tokens are refused; of 406: the node is full; of 407: clients are too slow; of 500: tokens cannot be checked; of the others: clients are broken',
    ['code'],
    () => rows('code', sources.sessions.counts.errors),
  )
  counter(
    registry,
    'ticker_sessions_closed_total',
    'Sessions the gateway ended by reason. A rise of too_slow: clients or their networks cannot keep up; of unauthorized: tokens are refused; of internal_error: tokens cannot be checked',
    ['reason'],
    () =>
      closeReasons.map((name): Row => {
        const reason = closeCodes[name].reason.replaceAll(' ', '_')
        return [{ reason }, sources.sessions.counts.closes[name]]
      }),
  )
  counter(
    registry,
    'ticker_tokens_refused_total',
    'Tokens refused at authentication by reason. A rise of expired: clients do not renew theirs; of unavailable: the key set cannot be read',
    ['reason'],
    () => rows('reason', sources.sessions.counts.tokens),
  )
  counter(
    registry,
    'ticker_handshakes_refused_total',
    'Handshakes refused by reason. A rise of not_ready: a balancer ignores /readyz; of the others: a client or a page is set up wrongly',
    ['reason'],
    () => rows('reason', sources.refusals),
  )
}

function declareDelivery(registry: Registry, sources: MetricSources): void {
  const { fanout, tape } = sources.feed
  gauge(
    registry,
    'ticker_items',
    'Items (channel, symbol) that have had an event. Near TICKER_MAX_ITEMS: new ones are refused, and counted as poison of the reason items',
    [],
    () => tape.items.size,
  )
  gauge(
    registry,
    'ticker_subscribed_items',
    'Different items that someone is subscribed to, a wildcard counted as one. A fall to 0: nobody listens, or no client can subscribe',
    [],
    () => fanout.subscribedItems,
  )
  gauge(
    registry,
    'ticker_audiences',
    'Groups of sessions that share their frames. Near the number of sessions: little is shared, and each session costs frames of its own',
    [],
    () => fanout.audienceCount,
  )
  counter(
    registry,
    'ticker_deliveries_total',
    'Events delivered: one event to one session is one. Standing still while events are read: nobody is subscribed to them',
    [],
    () => fanout.counts.deliveries,
  )
  counter(
    registry,
    'ticker_delivered_bytes_total',
    'Bytes of events written to sockets, frame headers included. Near what the network carries: more nodes are needed',
    [],
    () => fanout.counts.bytes,
  )
  counter(
    registry,
    'ticker_flushed_events_total',
    'Events put into frames, one for each audience that receives them. Many per flush: batches grow, under load or because the producer batches',
    [],
    () => fanout.counts.events,
  )
  counter(
    registry,
    'ticker_flushes_total',
    'Flushes, one per audience and batch, each built once and written to every session of the audience. Few deliveries per flush: little is shared',
    [],
    () => fanout.counts.flushes,
  )
}

function declareIngest(registry: Registry, sources: MetricSources): void {
  const { feed, ingest } = sources
  const { tape } = feed
  counter(
    registry,
    'ticker_events_total',
    'Events read by channel. Standing still while trading: the feed is mute',
    ['channel'],
    () => rows('channel', tape.counts.events),
  )
  counter(
    registry,
    'ticker_records_total',
    'Records read from the log. Faster than events: records are ignored or are poison',
    [],
    () => ingest.counts.records,
  )
  counter(
    registry,
    'ticker_records_ignored_total',
    'Records that the decoder passed over as not for this gateway. A rise: a topic carries other data, or the decoder is wrong',
    [],
    () => ingest.counts.ignored,
  )
  counter(
    registry,
    'ticker_poison_records_total',
    'Records that are no valid events, by reason. A rise: a producer is broken (the log lines name positions)',
    ['reason'],
    () => rows('reason', ingest.counts.poison),
  )
  counter(
    registry,
    'ticker_missed_offsets_total',
    'Offsets that were gone or unreadable before this node read them. Above 0: retention is shorter than an outage, or a batch was corrupt',
    [],
    () => ingest.counts.missed,
  )
  counter(
    registry,
    'ticker_split_items_total',
    'Items seen in two partitions, whose order is lost. Above 0: producers of one symbol use different partitioners',
    [],
    () => tape.counts.splitItems,
  )
  gauge(
    registry,
    'ticker_ingest_lag_records',
    'Records in the log that were not read yet, by partition. A rise: this node cannot keep up',
    ['topic', 'partition'],
    () =>
      feed
        .positions()
        .map(
          ({ partition, offset, stable }): Row => [
            { topic: partition.topic, partition: String(partition.partition) },
            Math.max(0, stable - offset),
          ],
        ),
  )
  gauge(
    registry,
    'ticker_newest_event_timestamp_seconds',
    'Unix time of the newest record that brought an event, by channel; 0 for none. Standing still while trading: the feed is mute',
    ['channel'],
    () => rows('channel', tape.newestMs).map(([labels, newestMs]): Row => [labels, newestMs / 1000]),
  )
  counter(
    registry,
    'ticker_log_total',
    'What the log counted, by kind. What a rise suggests depends on the kind (docs/metrics.md)',
    ['kind'],
    () => rows('kind', sources.logStats),
  )
}

function declareStableEnds(registry: Registry, { unstableEnds }: MetricSources): void {
  const read = (value: (end: UnstableEnd) => number): Row[] =>
    unstableEnds().map(end => {
      const { topic, partition } = end.partition
      return [{ topic, partition: String(partition) }, value(end)]
    })
  gauge(
    registry,
    'ticker_log_unstable_offsets',
    "Offsets that lie behind an open transaction of a producer, by partition of Kafka: from the last stable offset to the high watermark. Lasting: a producer's transaction is open or hanging, and nobody is shown what lies behind it",
    ['topic', 'partition'],
    () => read(({ offsets }) => offsets),
  )
  gauge(
    registry,
    'ticker_log_stable_offset_stalled_seconds',
    "How long the last stable offset has stood still while there was more, by partition of Kafka; 0 where there is none. Above the producers' transaction.timeout.ms: a transaction hangs (kafka-transactions.sh find-hanging)",
    ['topic', 'partition'],
    () => read(({ stalledMs }) => stalledMs / 1000),
  )
}

function declarePublishing(registry: Registry, counts: PublishCounts): void {
  counter(
    registry,
    'ticker_publish_requests_total',
    'Requests to /v1/events by the status of their answer (PROTOCOL.md §9). A rise of 401 or 403: tokens are refused or do too little; of 413, 429 or 503: a limit is reached or the log does not answer; of aborted: senders give up; of 500: a fault of the gateway (the log lines tell)',
    ['status'],
    () => rows('status', counts.requests),
  )
  counter(
    registry,
    'ticker_published_events_total',
    'Events that POST /v1/events appended to the log. Standing still while requests come: they are refused',
    [],
    () => counts.published,
  )
  counter(
    registry,
    'ticker_publish_refused_events_total',
    'Events that POST /v1/events did not append, by reason. A rise of unsent or unconfirmed: the log cannot be written (the log lines tell why); of pending: it is slow; of the others: a producer is broken or too fast',
    ['reason'],
    () => rows('reason', counts.refused),
  )
  gauge(
    registry,
    'ticker_publish_pending_events',
    'Events of POST /v1/events that wait for the log. Near TICKER_PUBLISH_MAX_PENDING: the log is slow or away',
    [],
    () => counts.pending,
  )
}

function declareLatency(registry: Registry, ingest: Ingest): void {
  const latency = new Histogram({
    name: 'ticker_delivery_latency_seconds',
    help: 'From the timestamp of the oldest record of a flush to its write to the sockets. A rise: the loop is busy, Kafka is slow, or clocks differ',
    buckets: latencyBucketsS,
    registers: [registry],
  })
  ingest.onDelivered = latencyMs => latency.observe(latencyMs / 1000)
}

function declareProcess(registry: Registry, sources: MetricSources): void {
  gauge(registry, 'ticker_build_info', 'Always 1. The labels say what runs', ['version', 'node'], () => [
    [{ version: sources.version, node: process.versions.node }, 1],
  ])
  gauge(
    registry,
    'ticker_ready',
    '1 when /readyz is green. 0: the log is still being read up to where it ended at start, or the node is leaving',
    [],
    () => (sources.isReady() ? 1 : 0),
  )
  const delay = new EventLoopDelay(performance.now())
  gauge(
    registry,
    'ticker_event_loop_delay_seconds',
    'How late the event loop was in the last one to two minutes; max is the longest gap, in which nobody was served. A rise: something computes too long at a time, or the machine lacks CPU',
    ['statistic'],
    () => rows('statistic', { ...delay.read(performance.now()) }),
  )
}
