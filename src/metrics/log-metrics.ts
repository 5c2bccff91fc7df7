import type { Registry } from 'prom-client'
import type { UnstableEnd } from '../log/kafka/consume/stable-ends.ts'
import { declareCounter, declareGauge, type Row, rows } from './declare-metric.ts'

/** What a log says of itself. */
export interface LogSources {
  /** Counters by name; what each means stands beside its declaration. */
  readonly stats: Readonly<Record<string, number>>
  /** What open transactions hold back, by partition. */
  readonly unstableEnds: () => readonly UnstableEnd[]
}

/** Declares what the log under the feed counts. */
export function declareLog(registry: Registry, log: LogSources): void {
  declareCounter(
    registry,
    'ticker_log_total',
    'Counts of the log, by kind. The meaning of a rise depends on the kind (docs/metrics.md)',
    ['kind'],
    () => rows('kind', log.stats),
  )
  const read = (value: (end: UnstableEnd) => number): Row[] =>
    log.unstableEnds().map(end => {
      const { topic, partition } = end.partition
      return [{ topic, partition: String(partition) }, value(end)]
    })
  declareGauge(
    registry,
    'ticker_log_unstable_offsets',
    'Offsets behind an open transaction of a producer, by partition of Kafka: from the last ' +
      "stable offset to the high watermark. Lasting: a producer's transaction is open or " +
      'hanging, and no client sees the events behind it',
    ['topic', 'partition'],
    () => read(({ offsets }) => offsets),
  )
  declareGauge(
    registry,
    'ticker_log_stable_offset_stalled_seconds',
    'Time that the last stable offset has stood still although more was written, by partition ' +
      "of Kafka; 0 if nothing was. Above the producers' transaction.timeout.ms: a transaction " +
      'hangs (kafka-transactions.sh find-hanging)',
    ['topic', 'partition'],
    () => read(({ stalledMs }) => stalledMs / 1000),
  )
}
