import type { Registry } from 'prom-client'
import type { Window } from '../../tape/window.ts'
import { type MemoryGuard, memoryStates } from '../../limits/memory-guard.ts'
import { counter, gauge, rows } from './read-metric.ts'

export interface MemorySources {
  readonly memory: MemoryGuard
}

/** Declares what is done to stay within memory. */
export function declareMemory(registry: Registry, { memory }: MemorySources, window: Window): void {
  gauge(
    registry,
    'ticker_memory_limit_bytes',
    'What the process may take: TICKER_MEMORY_LIMIT_BYTES, or what its container or the machine has; of several workers its share. Compare ticker_memory_used_bytes',
    [],
    () => memory.limitBytes,
  )
  gauge(
    registry,
    'ticker_memory_used_bytes',
    'What it uses: its resident set (process_resident_memory_bytes), less what the allocator keeps of what was freed. Near the limit: see ticker_memory_state',
    [],
    () => memory.usedBytes,
  )
  gauge(
    registry,
    'ticker_memory_state',
    '0: there is enough memory; 1: it is short, and new sessions and resumes are refused; 2: it is nearly used up, fewer recent events are kept, and sessions with much unsent are ended. Above 0: add nodes or memory, or lower TICKER_TAPE_BYTES and TICKER_MAX_SESSIONS',
    [],
    () => memoryStates.indexOf(memory.state),
  )
  counter(
    registry,
    'ticker_memory_state_changes_total',
    'Times that a state of memory was entered, by state. Many: the node works at its watermarks; add nodes or memory',
    ['state'],
    () => rows('state', { ...memory.counts.changes }),
  )
  counter(
    registry,
    'ticker_memory_ended_sessions_total',
    'Sessions ended for their unsent bytes when memory was nearly used up. A rise: slow clients fill the node; add memory, or lower TICKER_MAX_UNSENT_BYTES',
    [],
    () => memory.counts.endedSessions,
  )
  gauge(
    registry,
    'ticker_tape_limit_bytes',
    'What the recent events may take now. Below TICKER_TAPE_BYTES: memory was nearly used up, and the limit comes back step by step',
    [],
    () => window.limitBytes,
  )
}
