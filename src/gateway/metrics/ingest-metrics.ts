import type { Registry } from 'prom-client'
import { readClock, realClock, wallTimeOf } from '../../clock.ts'
import type { Feed, NumberedPosition } from '../../fanout/feed.ts'
import { outageSources } from '../../outage.ts'
import type { DeadLetterOutcome } from '../dead-letters.ts'
import type { Ingest } from '../ingest.ts'
import { counter, gauge, type Row, rows } from './read-metric.ts'

/** What is known of reading. */
export interface IngestFigures {
  readonly feed: Feed
  readonly ingest: Ingest
  readonly deadLetters: Readonly<Record<DeadLetterOutcome, number>>
}

/** Declares what was read, and how far. */
export function declareIngest(registry: Registry, { feed, ingest, deadLetters }: IngestFigures): void {
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
    'ticker_repaired_values_total',
    'Values that were mended in events that are passed on. A rise: a producer sends articles with symbols that are none, or texts with half a surrogate pair (the log lines name positions)',
    ['repair'],
    () => rows('repair', ingest.counts.repaired),
  )
  counter(
    registry,
    'ticker_dead_letters_total',
    'Poison records by what became of their copies. A rise of overflow: there are too many; of refused or failed: the topic is missing, a right is, or Kafka is away (the log lines tell)',
    ['outcome'],
    () => rows('outcome', deadLetters),
  )
  counter(
    registry,
    'ticker_missed_offsets_total',
    'Offsets that were gone or unreadable before this node read them. Above 0: retention or min.compaction.lag.ms is shorter than an outage, or a batch was corrupt',
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
    'Records in the log that were not read yet, by partition; absent during an outage. A rise: this node cannot keep up',
    ['topic', 'partition'],
    () => (feed.outage() === undefined ? feed.positions().map(lagRow) : []),
  )
  gauge(
    registry,
    'ticker_outage_seconds',
    'How long the log, or a partition of it, has not been read, by what keeps it: the log cannot be reached or read, or the decoder module holds a batch; 0 while it is. Above 0: clients see old prices, and their heartbeats say so',
    ['source'],
    () => {
      const outage = feed.outage()
      return outageSources.map((source): Row => {
        return [{ source }, outage?.source === source ? (realClock.steady() - outage.sinceMs) / 1000 : 0]
      })
    },
  )
  gauge(
    registry,
    'ticker_newest_event_timestamp_seconds',
    'Unix time of the newest record that brought an event, by channel; 0 for none. Standing still while trading: the feed is mute',
    ['channel'],
    () => {
      const now = readClock(realClock)
      return rows('channel', tape.newestMs).map(([labels, newestMs]): Row => {
        return [labels, newestMs === -Infinity ? 0 : wallTimeOf(newestMs, now) / 1000]
      })
    },
  )
}

function lagRow({ partition, offset, stable }: NumberedPosition): Row {
  return [{ topic: partition.topic, partition: String(partition.partition) }, Math.max(0, stable - offset)]
}
