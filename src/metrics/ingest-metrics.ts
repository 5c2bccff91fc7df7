import type { Registry } from 'prom-client'
import type { Feed, NumberedPosition } from '../feed/feed.ts'
import { outageSources } from '../feed/outage.ts'
import type { DeadLetterOutcome } from '../ingest/dead-letters.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { type Clock, readClock, wallTimeOf } from '../system/clock.ts'
import { type Row, declareCounter, declareGauge, rows, rowsByFeed } from './declare-metric.ts'

interface FeedSource {
  readonly name: string
  readonly feed: Feed
  readonly ingest: Ingest
  readonly heldBytes: number
}

/** The parts that read the log. */
interface IngestSources {
  readonly feeds: readonly FeedSource[]
  readonly deadLetters: Readonly<Record<DeadLetterOutcome, number>>
  readonly clock: Clock
}

/** Declares the metrics of reading the log. */
export function declareIngest(registry: Registry, { feeds, deadLetters, clock }: IngestSources): void {
  declareGauge(registry, {
    name: 'ticker_feed_delay_seconds',
    help: 'How much later than the log a feed gives each event (TICKER_FEEDS)',
    hint: 'To be subtracted from the age of its events',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ feed }) => feed.delayMs / 1000),
  })
  declareGauge(registry, {
    name: 'ticker_held_bytes',
    help: 'Memory of the records that a delayed feed has read and holds until they are due',
    hint: '64 MiB at most. Always there: the log grows faster than a few seconds of it fit',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ heldBytes }) => heldBytes),
  })
  declareCounter(registry, {
    name: 'ticker_events_total',
    help: 'Events read, by channel',
    hint: 'Standing still while trading: the source is silent',
    labelNames: ['feed', 'channel'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ feed }) => rows('channel', feed.lastValues.counts.events)),
  })
  declareCounter(registry, {
    name: 'ticker_records_total',
    help: 'Records read from the log',
    hint: 'Faster than events: records are ignored or are poison',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ ingest }) => ingest.counts.records),
  })
  declareCounter(registry, {
    name: 'ticker_records_ignored_total',
    help: 'Records that the decoder ignored as not for this gateway',
    hint: 'A rise: a topic carries other data, or the decoder is wrong',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ ingest }) => ingest.counts.ignored),
  })
  declareCounter(registry, {
    name: 'ticker_poison_records_total',
    help: 'Records that are not valid events, by reason',
    hint: 'A rise: a producer is broken (the log lines name positions)',
    labelNames: ['feed', 'reason'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ ingest }) => rows('reason', ingest.counts.poison)),
  })
  declareCounter(registry, {
    name: 'ticker_repaired_values_total',
    help: 'Values repaired in events that are delivered',
    hint:
      'A rise: a producer sends articles with invalid symbols, or texts with half a surrogate pair ' +
      '(the log lines name positions)',
    labelNames: ['feed', 'repair'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ ingest }) => rows('repair', ingest.counts.repaired)),
  })
  declareCounter(registry, {
    name: 'ticker_dead_letters_total',
    help: 'Poison records, by outcome of their copies',
    hint:
      'A rise of overflow: there are too many. Of refused or failed: the topic or a right is ' +
      'missing, or Kafka is away (the log lines say which)',
    labelNames: ['outcome'],
    read: () => rows('outcome', deadLetters),
  })
  declareCounter(registry, {
    name: 'ticker_missed_offsets_total',
    help: 'Offsets that were gone or unreadable before this node read them',
    hint: 'Above 0: retention or min.compaction.lag.ms is shorter than an outage, or a batch was corrupt',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ ingest }) => ingest.counts.missed),
  })
  declareCounter(registry, {
    name: 'ticker_split_items_total',
    help: 'Items seen in two partitions, whose order is lost',
    hint: 'Above 0: producers of one symbol use different partitioners',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ feed }) => feed.lastValues.counts.splitItems),
  })
  declareGauge(registry, {
    name: 'ticker_ingest_lag_records',
    help: 'Records in the log that were not read yet, by partition; absent during an outage',
    hint: 'A rise: this node cannot keep up',
    labelNames: ['feed', 'topic', 'partition'],
    aggregator: 'max',
    read: () =>
      rowsByFeed(feeds, ({ feed }) => (feed.outage() === undefined ? feed.positions.map(lagRow) : [])),
  })
  declareGauge(registry, {
    name: 'ticker_outage_seconds',
    help:
      'Time that the log, or a partition of it, has not been read, by cause: the log cannot be ' +
      'reached or read, or the decoder module holds a batch; 0 while it is read',
    hint: 'Above 0: clients see old prices, and their heartbeats say so',
    labelNames: ['feed', 'source'],
    aggregator: 'max',
    read: () =>
      rowsByFeed(feeds, ({ feed }) => {
        const outage = feed.outage()
        return outageSources.map((source): Row => {
          return [{ source }, outage?.source === source ? (clock.steady() - outage.sinceMs) / 1000 : 0]
        })
      }),
  })
  declareGauge(registry, {
    name: 'ticker_newest_event_timestamp_seconds',
    help: 'Unix time of the newest record with an event, by channel; 0 for none',
    hint: 'Standing still while trading: the source is silent',
    labelNames: ['feed', 'channel'],
    aggregator: 'min',
    read: () => {
      const now = readClock(clock)
      return rowsByFeed(feeds, ({ feed }) =>
        rows('channel', feed.lastValues.newestMs).map(([labels, newestMs]): Row => {
          return [labels, newestMs === -Infinity ? 0 : wallTimeOf(newestMs, now) / 1000]
        }),
      )
    },
  })
}

function lagRow({ partition, offset, stable }: NumberedPosition): Row {
  return [{ topic: partition.topic, partition: String(partition.partition) }, Math.max(0, stable - offset)]
}

/** Declares the metrics of the node's start. */
export function declareWarmUp(
  registry: Registry,
  feeds: readonly Pick<FeedSource, 'name' | 'ingest'>[],
): void {
  declareGauge(registry, {
    name: 'ticker_warm_up_seconds',
    help: "Time from the node's start until the feed was ready; 0 while it is not",
    hint: 'Long: TICKER_WARMUP_RECORDS or the look-back read much, or Kafka was slow',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ ingest: { warmUp } }) => warmUp.durationMs / 1000),
  })
  declareCounter(registry, {
    name: 'ticker_look_back_records_total',
    help: 'Records read backwards at start for the last events of symbols that the warm-up had not met',
    hint: 'Near TICKER_LOOK_BACK_RECORDS for each partition: some symbol has no event that could be found',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ ingest: { warmUp } }) => warmUp.lookBack.records),
  })
  declareCounter(registry, {
    name: 'ticker_look_back_items_total',
    help: 'Items whose last event the look-back found',
    hint: 'Many: TICKER_WARMUP_RECORDS is small for the number of symbols',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ ingest: { warmUp } }) => warmUp.lookBack.items),
  })
  declareGauge(registry, {
    name: 'ticker_look_back_missing_items',
    help: 'Items of known symbols for which no event was found at start',
    hint:
      'Many: snapshots are incomplete. Raise TICKER_LOOK_BACK_RECORDS and TICKER_LOOK_BACK_MS, ' +
      'unless these symbols never have events',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ ingest: { warmUp } }) => warmUp.lookBack.missing),
  })
}
