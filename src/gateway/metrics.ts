import { monitorEventLoopDelay } from 'node:perf_hooks'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Feed } from '../fanout/feed.ts'
import type { Ingest } from './ingest.ts'
import { closeCodes, closeReasons } from '../session/close-code.ts'
import type { Sessions } from '../session/sessions.ts'
import type { RefusalCounts } from '../transport/refusal-counts.ts'

/** Where the figures are read from when Prometheus asks: plain fields, counted on the delivery path. */
export interface MetricSources {
  readonly feed: Feed
  readonly ingest: Ingest
  readonly sessions: Sessions
  readonly refusals: RefusalCounts
  readonly isReady: () => boolean
  readonly version: string
  /** Counters of the log under the feed, by name; what each means stands beside its declaration. */
  readonly logStats: Readonly<Record<string, number>>
}

const latencyBucketsS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

type Row = readonly [labels: Readonly<Record<string, string>>, value: number]

/** Declares every metric. Labels come from closed sets: never a symbol, a user or an address. */
export function createMetrics(sources: MetricSources): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  declareSessions(registry, sources)
  declareDelivery(registry, sources)
  declareIngest(registry, sources)
  declareLatency(registry, sources.ingest)
  declareProcess(registry, sources)
  return registry
}

function declareSessions(registry: Registry, sources: MetricSources): void {
  gauge(registry, 'ticker_connections', 'Open stream connections', [], () => [[{}, sources.sessions.size]])
  gauge(
    registry,
    'ticker_sessions',
    'Sessions by state; many connected or verifying: clients do not authenticate, or the key set is slow',
    ['state'],
    () => {
      const { connected, verifying, live } = sources.sessions.counts.states
      return rows('state', { connected, verifying, live })
    },
  )
  counter(
    registry,
    'ticker_session_errors_total',
    'Errors told to clients by code (PROTOCOL.md §6)',
    ['code'],
    () => rows('code', sources.sessions.counts.errors),
  )
  counter(
    registry,
    'ticker_sessions_closed_total',
    'Sessions the gateway ended by reason; too_slow: clients or their networks cannot keep up',
    ['reason'],
    () =>
      closeReasons.map((name): Row => {
        const reason = closeCodes[name].reason.replaceAll(' ', '_')
        return [{ reason }, sources.sessions.counts.closes[name]]
      }),
  )
  counter(registry, 'ticker_handshakes_refused_total', 'Handshakes refused by reason', ['reason'], () =>
    rows('reason', sources.refusals),
  )
}

function declareDelivery(registry: Registry, sources: MetricSources): void {
  const { fanout, tape } = sources.feed
  gauge(
    registry,
    'ticker_items',
    'Items (channel, symbol) that have had an event; near TICKER_MAX_ITEMS new ones are refused',
    [],
    () => [[{}, tape.items.size]],
  )
  gauge(registry, 'ticker_subscribed_items', 'Different items that someone is subscribed to', [], () => [
    [{}, fanout.subscribedItems],
  ])
  gauge(registry, 'ticker_audiences', 'Groups of sessions that share their frames', [], () => [
    [{}, fanout.audienceCount],
  ])
  counter(
    registry,
    'ticker_deliveries_total',
    'Events delivered: one event to one session is one',
    [],
    () => [[{}, fanout.counts.deliveries]],
  )
  counter(
    registry,
    'ticker_delivered_bytes_total',
    'Bytes of events written to sockets, frame headers included',
    [],
    () => [[{}, fanout.counts.bytes]],
  )
  counter(
    registry,
    'ticker_flushes_total',
    'Frames built and shared, one per audience and batch; few deliveries per flush: little is shared',
    [],
    () => [[{}, fanout.counts.flushes]],
  )
}

function declareIngest(registry: Registry, sources: MetricSources): void {
  const { feed, ingest } = sources
  const { tape } = feed
  counter(
    registry,
    'ticker_events_total',
    'Events read by channel; standing still while trading: the feed is mute',
    ['channel'],
    () => rows('channel', tape.counts.events),
  )
  counter(registry, 'ticker_records_total', 'Records read from the log', [], () => [
    [{}, ingest.counts.records],
  ])
  counter(
    registry,
    'ticker_records_ignored_total',
    'Records that the decoder passed over as not for this gateway',
    [],
    () => [[{}, ingest.counts.ignored]],
  )
  counter(
    registry,
    'ticker_poison_records_total',
    'Records that are no valid events, by reason; a rise: a producer is broken (see the log for positions)',
    ['reason'],
    () => rows('reason', ingest.counts.poison),
  )
  counter(
    registry,
    'ticker_split_items_total',
    'Items seen in two partitions, whose order is lost: producers of one symbol use different partitioners',
    [],
    () => [[{}, tape.counts.splitItems]],
  )
  gauge(
    registry,
    'ticker_ingest_lag_records',
    'Records in the log that were not read yet, by partition; a rise: this node cannot keep up',
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
    'ticker_channel_newest_event_seconds',
    'Unix time of the newest event by channel, 0 for none',
    ['channel'],
    () => rows('channel', tape.newestMs).map(([labels, newestMs]): Row => [labels, newestMs / 1000]),
  )
  counter(registry, 'ticker_log_total', 'What the log counted, by kind (docs/metrics.md)', ['kind'], () =>
    rows('kind', sources.logStats),
  )
}

function declareLatency(registry: Registry, ingest: Ingest): void {
  const latency = new Histogram({
    name: 'ticker_delivery_latency_seconds',
    help: 'From the timestamp of the oldest record of a flush to its write to the sockets; a rise: the loop is busy, Kafka is slow, or clocks differ',
    buckets: latencyBucketsS,
    registers: [registry],
  })
  ingest.onDelivered = latencyMs => latency.observe(latencyMs / 1000)
}

function declareProcess(registry: Registry, sources: MetricSources): void {
  gauge(registry, 'ticker_build_info', 'Always 1; the labels say what runs', ['version', 'node'], () => [
    [{ version: sources.version, node: process.versions.node }, 1],
  ])
  gauge(registry, 'ticker_ready', '1 when /readyz is green', [], () => [[{}, sources.isReady() ? 1 : 0]])
  const resolutionMs = 10
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  // The histogram counts its own sampling interval into every delay.
  const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000)
  gauge(
    registry,
    'ticker_event_loop_delay_seconds',
    'How late the event loop was since the last scrape, by quantile; 1 is the longest gap, in which nobody was served',
    ['quantile'],
    () => {
      const found = rows('quantile', {
        '0.5': delay.percentile(50),
        '0.99': delay.percentile(99),
        '1': delay.max,
      }).map(([labels, value]): Row => [labels, seconds(value)])
      delay.reset()
      return found
    },
  )
}

function rows(label: string, values: Readonly<Record<string, number>>): Row[] {
  return Object.entries(values).map(([name, value]) => [{ [label]: name }, value])
}

function gauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: () => Row[],
): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset()
        for (const [labels, value] of read()) this.set(labels, value)
      },
    }),
  )
}

/** A counter whose total is kept elsewhere. */
function counter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: () => Row[],
): void {
  registry.registerMetric(
    new Counter({
      name,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset()
        for (const [labels, value] of read()) this.inc(labels, value)
      },
    }),
  )
}
