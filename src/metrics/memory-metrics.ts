import type { Registry } from 'prom-client'
import type { Feed } from '../feed/feed.ts'
import { type MemoryGuard, memoryStates } from '../limits/memory-guard.ts'
import { type Clock, readClock, wallTimeOf } from '../system/clock.ts'
import { declareCounter, declareGauge, rows, rowsByFeed } from './declare-metric.ts'

export interface MemorySources {
  readonly memory: MemoryGuard
}

/** Declares the metrics of the memory guard. */
export function declareMemory(registry: Registry, { memory }: MemorySources): void {
  declareGauge(registry, {
    name: 'ticker_memory_limit_bytes',
    help:
      'Memory that the process may use: TICKER_MEMORY_LIMIT_BYTES, or the limit of its container or ' +
      'machine; for one of several workers its share',
    hint: 'Compare with ticker_memory_used_bytes',
    aggregator: 'min',
    read: () => memory.limitBytes,
  })
  declareGauge(registry, {
    name: 'ticker_memory_used_bytes',
    help:
      'Memory that the process uses: its resident set (process_resident_memory_bytes) without the ' +
      'freed memory that the allocator keeps',
    hint: 'Near the limit: see ticker_memory_state',
    aggregator: 'max',
    read: () => memory.usedBytes,
  })
  declareGauge(registry, {
    name: 'ticker_memory_state',
    help:
      '0: there is enough memory; 1: memory is short, and new sessions and resumes are refused; 2: ' +
      'memory is nearly used up, fewer recent events are kept, and sessions with much unsent are ' +
      'ended',
    hint: 'Above 0: add nodes or memory, or lower TICKER_TAPE_BYTES and TICKER_MAX_SESSIONS',
    aggregator: 'max',
    read: () => memoryStates.indexOf(memory.state),
  })
  declareCounter(registry, {
    name: 'ticker_memory_state_changes_total',
    help: 'Times that a state of memory was entered, by state',
    hint: 'Many: the node works at its watermarks. Add nodes or memory',
    labelNames: ['state'],
    read: () => rows('state', { ...memory.counts.changes }),
  })
  declareCounter(registry, {
    name: 'ticker_memory_ended_sessions_total',
    help: 'Sessions ended for their unsent bytes when memory was nearly used up',
    hint: 'A rise: slow clients fill the node. Add memory, or lower TICKER_MAX_UNSENT_BYTES',
    read: () => memory.counts.endedSessions,
  })
}

interface FeedSource {
  readonly name: string
  readonly feed: Feed
}

/** Declares the metrics of the recent events. */
export function declareWindow(registry: Registry, feeds: readonly FeedSource[], clock: Clock): void {
  declareGauge(registry, {
    name: 'ticker_tape_limit_bytes',
    help: "Current limit of the window's memory",
    hint: 'Below TICKER_TAPE_BYTES: memory was nearly used up, and the limit returns step by step',
    labelNames: ['feed'],
    aggregator: 'min',
    read: () => rowsByFeed(feeds, ({ feed }) => feed.window.limitBytes),
  })
  declareGauge(registry, {
    name: 'ticker_tape_bytes',
    help: 'Memory of the window: the recent events that are kept for sessions that resume',
    hint: 'At TICKER_TAPE_BYTES: the window reaches back less far than TICKER_TAPE_MS',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ feed }) => feed.window.counts.bytes),
  })
  declareGauge(registry, {
    name: 'ticker_tape_events',
    help: 'Events in the window',
    hint: 'A fall: events are larger, or fewer come',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () => rowsByFeed(feeds, ({ feed }) => feed.window.counts.events),
  })
  declareGauge(registry, {
    name: 'ticker_tape_oldest_timestamp_seconds',
    help: 'Unix time at which the oldest event in the window was read; 0 for none',
    hint: 'Near now: resumes have to be served from Kafka',
    labelNames: ['feed'],
    aggregator: 'max',
    read: () =>
      rowsByFeed(feeds, ({ feed: { window } }) =>
        window.oldestMs === undefined ? 0 : wallTimeOf(window.oldestMs, readClock(clock)) / 1000,
      ),
  })
  declareCounter(registry, {
    name: 'ticker_tape_dropped_segments_total',
    help: 'Segments of the window that were dropped, by cause',
    hint:
      'A rise of bytes: raise TICKER_TAPE_BYTES, or resumes come from Kafka sooner. Of memory: see ' +
      'ticker_memory_state. Of restart: topics are recreated, or offsets were gone',
    labelNames: ['feed', 'cause'],
    read: () => rowsByFeed(feeds, ({ feed }) => rows('cause', feed.window.counts.dropped)),
  })
}
