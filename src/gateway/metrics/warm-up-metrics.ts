import type { Registry } from 'prom-client'
import { counter, gauge } from './read-metric.ts'
import type { WarmUp } from '../warm-up.ts'

/** Declares what is known of the node's start. */
export function declareWarmUp(registry: Registry, warmUp: WarmUp): void {
  gauge(
    registry,
    'ticker_warm_up_seconds',
    'How long the node took from its start to being ready; 0 while it is not. Long: TICKER_WARMUP_RECORDS or the look-back read much, or Kafka was slow',
    [],
    () => warmUp.durationMs / 1000,
  )
  counter(
    registry,
    'ticker_look_back_records_total',
    'Records read backwards at start for the last events of symbols that the warm-up had not met. Near TICKER_LOOK_BACK_RECORDS for each partition: some symbol has no event to be found',
    [],
    () => warmUp.lookBack.records,
  )
  counter(
    registry,
    'ticker_look_back_items_total',
    'Items that got their last event by looking back. Many: TICKER_WARMUP_RECORDS is small for the number of symbols',
    [],
    () => warmUp.lookBack.items,
  )
  gauge(
    registry,
    'ticker_look_back_missing_items',
    'Items of known symbols for which no event was found at start. Many: snapshots are incomplete; raise TICKER_LOOK_BACK_RECORDS and TICKER_LOOK_BACK_MS, unless these symbols never have any',
    [],
    () => warmUp.lookBack.missing,
  )
}
