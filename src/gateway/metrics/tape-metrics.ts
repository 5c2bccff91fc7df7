import type { Registry } from 'prom-client'
import { readClock, realClock, wallTimeOf } from '../../clock.ts'
import type { Feed } from '../../fanout/feed.ts'
import { counter, gauge, rows } from './read-metric.ts'

/** Declares what is kept of the recent events. */
export function declareTape(registry: Registry, { window }: Feed): void {
  gauge(
    registry,
    'ticker_tape_bytes',
    'Memory of the recent events that are kept for sessions that resume. At TICKER_TAPE_BYTES: they reach back less far than TICKER_TAPE_MS',
    [],
    () => window.counts.bytes,
  )
  gauge(
    registry,
    'ticker_tape_events',
    'Recent events that are kept. A fall: they are larger, or fewer come',
    [],
    () => window.counts.events,
  )
  gauge(
    registry,
    'ticker_tape_oldest_timestamp_seconds',
    'Unix time at which the oldest of them was read; 0 for none. Near now: who resumes has to be served from Kafka',
    [],
    () => (window.oldestMs === undefined ? 0 : wallTimeOf(window.oldestMs, readClock(realClock)) / 1000),
  )
  counter(
    registry,
    'ticker_tape_dropped_segments_total',
    'Segments of recent events that were dropped, by cause. A rise of bytes: raise TICKER_TAPE_BYTES, or resumes come from Kafka sooner; of memory: see ticker_memory_state; of restart: topics are made again, or offsets were gone',
    ['cause'],
    () => rows('cause', window.counts.dropped),
  )
}
