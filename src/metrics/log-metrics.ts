import type { Registry } from 'prom-client'
import type { UnstableEnd } from '../log/kafka/consume/stable-ends.ts'
import { declareCounter, declareGauge, type Row, rows } from './declare-metric.ts'

/** The statistics of a log. */
export interface LogSources {
  /** Counters by name; their declarations say what each means. */
  readonly stats: Readonly<Record<string, number>>
  /** The ranges behind open transactions, by partition. */
  readonly unstableEnds: () => readonly UnstableEnd[]
}

/** Declares the metrics of the log. */
export function declareLog(registry: Registry, log: LogSources): void {
  declareCounter(registry, {
    name: 'ticker_log_total',
    help: 'Counts of the log, by kind',
    hint: 'The meaning of a rise depends on the kind (docs/metrics.md)',
    labelNames: ['kind'],
    read: () => rows('kind', log.stats),
  })
  const read = (value: (end: UnstableEnd) => number): Row[] =>
    log.unstableEnds().map(end => {
      const { topic, partition } = end.partition
      return [{ topic, partition: String(partition) }, value(end)]
    })
  declareGauge(registry, {
    name: 'ticker_log_unstable_offsets',
    help:
      'Offsets behind an open transaction of a producer, by partition of Kafka: from the last ' +
      'stable offset to the high watermark',
    hint: "Lasting: a producer's transaction is open or hanging, and no client sees the events behind it",
    labelNames: ['topic', 'partition'],
    aggregator: 'max',
    read: () => read(({ offsets }) => offsets),
  })
  declareGauge(registry, {
    name: 'ticker_log_stable_offset_stalled_seconds',
    help:
      'Time that the last stable offset has stood still although more was written, by partition of ' +
      'Kafka; 0 if nothing was',
    hint:
      "Above the producers' transaction.timeout.ms: a transaction hangs (kafka-transactions.sh " +
      'find-hanging)',
    labelNames: ['topic', 'partition'],
    aggregator: 'max',
    read: () => read(({ stalledMs }) => stalledMs / 1000),
  })
}
