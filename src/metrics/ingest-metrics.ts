import type { Registry } from 'prom-client'
import type { Feed, NumberedPosition } from '../feed/feed.ts'
import { outageSources } from '../feed/outage.ts'
import type { DeadLetterOutcome } from '../ingest/dead-letters.ts'
import type { Ingest } from '../ingest/ingest.ts'
import type { WarmUp } from '../ingest/warm-up.ts'
import { readClock, systemClock, wallTimeOf } from '../system/clock.ts'
import { type Row, declareCounter, declareGauge, rows } from './declare-metric.ts'

/** What is known of reading. */
interface IngestSources {
  readonly feed: Feed
  readonly ingest: Ingest
  readonly deadLetters: Readonly<Record<DeadLetterOutcome, number>>
}

/** Declares what was read, and how far. */
export function declareIngest(registry: Registry, { feed, ingest, deadLetters }: IngestSources): void {
  const { lastValues } = feed
  declareCounter(
    registry,
    'ticker_events_total',
    'Events read, by channel. Standing still while trading: the feed is mute',
    ['channel'],
    () => rows('channel', lastValues.counts.events),
  )
  declareCounter(
    registry,
    'ticker_records_total',
    'Records read from the log. Faster than events: records are ignored or are poison',
    [],
    () => ingest.counts.records,
  )
  declareCounter(
    registry,
    'ticker_records_ignored_total',
    'Records that the decoder ignored as not for this gateway. A rise: a topic carries other ' +
      'data, or the decoder is wrong',
    [],
    () => ingest.counts.ignored,
  )
  declareCounter(
    registry,
    'ticker_poison_records_total',
    'Records that are not valid events, by reason. A rise: a producer is broken (the log ' +
      'lines name positions)',
    ['reason'],
    () => rows('reason', ingest.counts.poison),
  )
  declareCounter(
    registry,
    'ticker_repaired_values_total',
    'Values repaired in events that are delivered. A rise: a producer sends articles with ' +
      'invalid symbols, or texts with half a surrogate pair (the log lines name positions)',
    ['repair'],
    () => rows('repair', ingest.counts.repaired),
  )
  declareCounter(
    registry,
    'ticker_dead_letters_total',
    'Poison records, by outcome of their copies. A rise of overflow: there are too many. Of ' +
      'refused or failed: the topic or a right is missing, or Kafka is away (the log lines say ' +
      'which)',
    ['outcome'],
    () => rows('outcome', deadLetters),
  )
  declareCounter(
    registry,
    'ticker_missed_offsets_total',
    'Offsets that were gone or unreadable before this node read them. Above 0: retention or ' +
      'min.compaction.lag.ms is shorter than an outage, or a batch was corrupt',
    [],
    () => ingest.counts.missed,
  )
  declareCounter(
    registry,
    'ticker_split_items_total',
    'Items seen in two partitions, whose order is lost. Above 0: producers of one symbol use ' +
      'different partitioners',
    [],
    () => lastValues.counts.splitItems,
  )
  declareGauge(
    registry,
    'ticker_ingest_lag_records',
    'Records in the log that were not read yet, by partition; absent during an outage. A ' +
      'rise: this node cannot keep up',
    ['topic', 'partition'],
    () => (feed.outage() === undefined ? feed.positions.map(lagRow) : []),
  )
  declareGauge(
    registry,
    'ticker_outage_seconds',
    'Time that the log, or a partition of it, has not been read, by cause: the log cannot be ' +
      'reached or read, or the decoder module holds a batch; 0 while it is read. Above 0: ' +
      'clients see old prices, and their heartbeats say so',
    ['source'],
    () => {
      const outage = feed.outage()
      return outageSources.map((source): Row => {
        return [{ source }, outage?.source === source ? (systemClock.steady() - outage.sinceMs) / 1000 : 0]
      })
    },
  )
  declareGauge(
    registry,
    'ticker_newest_event_timestamp_seconds',
    'Unix time of the newest record with an event, by channel; 0 for none. Standing still ' +
      'while trading: the feed is mute',
    ['channel'],
    () => {
      const now = readClock(systemClock)
      return rows('channel', lastValues.newestMs).map(([labels, newestMs]): Row => {
        return [labels, newestMs === -Infinity ? 0 : wallTimeOf(newestMs, now) / 1000]
      })
    },
  )
}

function lagRow({ partition, offset, stable }: NumberedPosition): Row {
  return [{ topic: partition.topic, partition: String(partition.partition) }, Math.max(0, stable - offset)]
}

/** Declares what is known of the node's start. */
export function declareWarmUp(registry: Registry, warmUp: WarmUp): void {
  declareGauge(
    registry,
    'ticker_warm_up_seconds',
    "Time from the node's start until it was ready; 0 while it is not. Long: " +
      'TICKER_WARMUP_RECORDS or the look-back read much, or Kafka was slow',
    [],
    () => warmUp.durationMs / 1000,
  )
  declareCounter(
    registry,
    'ticker_look_back_records_total',
    'Records read backwards at start for the last events of symbols that the warm-up had not ' +
      'met. Near TICKER_LOOK_BACK_RECORDS for each partition: some symbol has no event that ' +
      'could be found',
    [],
    () => warmUp.lookBack.records,
  )
  declareCounter(
    registry,
    'ticker_look_back_items_total',
    'Items whose last event the look-back found. Many: TICKER_WARMUP_RECORDS is small for the ' +
      'number of symbols',
    [],
    () => warmUp.lookBack.items,
  )
  declareGauge(
    registry,
    'ticker_look_back_missing_items',
    'Items of known symbols for which no event was found at start. Many: snapshots are ' +
      'incomplete. Raise TICKER_LOOK_BACK_RECORDS and TICKER_LOOK_BACK_MS, unless these symbols ' +
      'never have events',
    [],
    () => warmUp.lookBack.missing,
  )
}
