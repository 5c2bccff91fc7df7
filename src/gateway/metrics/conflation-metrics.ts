import type { Registry } from 'prom-client'
import type { Feed } from '../../fanout/feed.ts'
import { counter, gauge, type Row, rows } from './read-metric.ts'

/** Declares what is known of what is told at intervals. */
export function declareConflation(registry: Registry, { conflation }: Feed): void {
  gauge(
    registry,
    'ticker_conflating_audiences',
    'Groups of sessions that share what they are told at an interval (conflateMs), by interval in ms. Near the number of sessions: little is shared, and each costs frames of its own',
    ['interval'],
    () =>
      [...conflation.audienceCounts].map(([interval, count]): Row => [{ interval: String(interval) }, count]),
  )
  counter(
    registry,
    'ticker_conflation_ticks_total',
    'Ends of intervals, by what became of them. A rise of put_off: the node cannot tell all its sessions within their interval, so intervals last longer',
    ['outcome'],
    () => rows('outcome', conflation.counts.ticks),
  )
}
