import type { Registry } from 'prom-client'
import type { Feed } from '../feed/feed.ts'
import type { RecentEvents } from '../feed/recent-events/recent-events.ts'
import { type MemoryGuard, memoryStates } from '../limits/memory-guard.ts'
import { readClock, systemClock, wallTimeOf } from '../system/clock.ts'
import { declareCounter, declareGauge, rows } from './declare-metric.ts'

export interface MemorySources {
  readonly memory: MemoryGuard
}

/** Declares what is done to stay within memory. */
export function declareMemory(registry: Registry, { memory }: MemorySources, window: RecentEvents): void {
  declareGauge(
    registry,
    'ticker_memory_limit_bytes',
    'What the process may take: TICKER_MEMORY_LIMIT_BYTES, or what its container or the machine has; of several workers its share. Compare ticker_memory_used_bytes',
    [],
    () => memory.limitBytes,
  )
  declareGauge(
    registry,
    'ticker_memory_used_bytes',
    'What it uses: its resident set (process_resident_memory_bytes), less what the allocator keeps of what was freed. Near the limit: see ticker_memory_state',
    [],
    () => memory.usedBytes,
  )
  declareGauge(
    registry,
    'ticker_memory_state',
    '0: there is enough memory; 1: it is short, and new sessions and resumes are refused; 2: it is nearly used up, fewer recent events are kept, and sessions with much unsent are ended. Above 0: add nodes or memory, or lower TICKER_TAPE_BYTES and TICKER_MAX_SESSIONS',
    [],
    () => memoryStates.indexOf(memory.state),
  )
  declareCounter(
    registry,
    'ticker_memory_state_changes_total',
    'Times that a state of memory was entered, by state. Many: the node works at its watermarks; add nodes or memory',
    ['state'],
    () => rows('state', { ...memory.counts.changes }),
  )
  declareCounter(
    registry,
    'ticker_memory_ended_sessions_total',
    'Sessions ended for their unsent bytes when memory was nearly used up. A rise: slow clients fill the node; add memory, or lower TICKER_MAX_UNSENT_BYTES',
    [],
    () => memory.counts.endedSessions,
  )
  declareGauge(
    registry,
    'ticker_tape_limit_bytes',
    'What the recent events may take now. Below TICKER_TAPE_BYTES: memory was nearly used up, and the limit comes back step by step',
    [],
    () => window.limitBytes,
  )
}

/** Declares what is kept of the recent events. */
export function declareTape(registry: Registry, { window }: Feed): void {
  declareGauge(
    registry,
    'ticker_tape_bytes',
    'Memory of the recent events that are kept for sessions that resume. At TICKER_TAPE_BYTES: they reach back less far than TICKER_TAPE_MS',
    [],
    () => window.counts.bytes,
  )
  declareGauge(
    registry,
    'ticker_tape_events',
    'Recent events that are kept. A fall: they are larger, or fewer come',
    [],
    () => window.counts.events,
  )
  declareGauge(
    registry,
    'ticker_tape_oldest_timestamp_seconds',
    'Unix time at which the oldest of them was read; 0 for none. Near now: who resumes has to be served from Kafka',
    [],
    () => (window.oldestMs === undefined ? 0 : wallTimeOf(window.oldestMs, readClock(systemClock)) / 1000),
  )
  declareCounter(
    registry,
    'ticker_tape_dropped_segments_total',
    'Segments of recent events that were dropped, by cause. A rise of bytes: raise TICKER_TAPE_BYTES, or resumes come from Kafka sooner; of memory: see ticker_memory_state; of restart: topics are made again, or offsets were gone',
    ['cause'],
    () => rows('cause', window.counts.dropped),
  )
}
