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
    'Memory that the process may use: TICKER_MEMORY_LIMIT_BYTES, or the limit of its ' +
      'container or machine; for one of several workers its share. Compare with ' +
      'ticker_memory_used_bytes',
    [],
    () => memory.limitBytes,
  )
  declareGauge(
    registry,
    'ticker_memory_used_bytes',
    'Memory that the process uses: its resident set (process_resident_memory_bytes) without ' +
      'the freed memory that the allocator keeps. Near the limit: see ticker_memory_state',
    [],
    () => memory.usedBytes,
  )
  declareGauge(
    registry,
    'ticker_memory_state',
    '0: there is enough memory; 1: memory is short, and new sessions and resumes are refused; ' +
      '2: memory is nearly used up, fewer recent events are kept, and sessions with much unsent ' +
      'are ended. Above 0: add nodes or memory, or lower TICKER_TAPE_BYTES and ' +
      'TICKER_MAX_SESSIONS',
    [],
    () => memoryStates.indexOf(memory.state),
  )
  declareCounter(
    registry,
    'ticker_memory_state_changes_total',
    'Times that a state of memory was entered, by state. Many: the node works at its ' +
      'watermarks. Add nodes or memory',
    ['state'],
    () => rows('state', { ...memory.counts.changes }),
  )
  declareCounter(
    registry,
    'ticker_memory_ended_sessions_total',
    'Sessions ended for their unsent bytes when memory was nearly used up. A rise: slow ' +
      'clients fill the node. Add memory, or lower TICKER_MAX_UNSENT_BYTES',
    [],
    () => memory.counts.endedSessions,
  )
  declareGauge(
    registry,
    'ticker_tape_limit_bytes',
    "Current limit of the window's memory. Below TICKER_TAPE_BYTES: memory was nearly used " +
      'up, and the limit returns step by step',
    [],
    () => window.limitBytes,
  )
}

/** Declares what is kept of the recent events. */
export function declareTape(registry: Registry, { window }: Feed): void {
  declareGauge(
    registry,
    'ticker_tape_bytes',
    'Memory of the window: the recent events that are kept for sessions that resume. At ' +
      'TICKER_TAPE_BYTES: the window reaches back less far than TICKER_TAPE_MS',
    [],
    () => window.counts.bytes,
  )
  declareGauge(
    registry,
    'ticker_tape_events',
    'Events in the window. A fall: events are larger, or fewer come',
    [],
    () => window.counts.events,
  )
  declareGauge(
    registry,
    'ticker_tape_oldest_timestamp_seconds',
    'Unix time at which the oldest event in the window was read; 0 for none. Near now: ' +
      'resumes have to be served from Kafka',
    [],
    () => (window.oldestMs === undefined ? 0 : wallTimeOf(window.oldestMs, readClock(systemClock)) / 1000),
  )
  declareCounter(
    registry,
    'ticker_tape_dropped_segments_total',
    'Segments of the window that were dropped, by cause. A rise of bytes: raise ' +
      'TICKER_TAPE_BYTES, or resumes come from Kafka sooner. Of memory: see ' +
      'ticker_memory_state. Of restart: topics are recreated, or offsets were gone',
    ['cause'],
    () => rows('cause', window.counts.dropped),
  )
}
