import type { Registry } from 'prom-client'
import { counter, gauge, rows } from './read-metric.ts'

/** `ready`: it serves; `starting`: it reads the log; `waiting`: it ended, and another one begins after a delay. */
export type WorkerState = 'ready' | 'starting' | 'waiting'

/** What is known of the processes that serve the stream. */
export interface WorkerFigures {
  readonly states: () => Readonly<Record<WorkerState, number>>
  /** Workers that ended although they should not have, since start. */
  readonly restarts: () => number
}

/** Of a process that is the whole node. */
export function aloneFigures(isReady: () => boolean): WorkerFigures {
  return {
    states: () => ({ ready: isReady() ? 1 : 0, starting: isReady() ? 0 : 1, waiting: 0 }),
    restarts: () => 0,
  }
}

/** Declares what is known of the processes that serve the stream. */
export function declareWorkers(registry: Registry, { states, restarts }: WorkerFigures): void {
  gauge(
    registry,
    'ticker_workers',
    'Processes that serve the stream, by state. Fewer ready than TICKER_WORKERS: one has crashed or is still reading the log, and the others have its clients',
    ['state'],
    () => rows('state', { ...states() }),
  )
  counter(
    registry,
    'ticker_worker_restarts_total',
    'Workers that ended without having been asked to, and were replaced. A rise: they crash or are killed, for lack of memory perhaps (the log has code and signal)',
    [],
    restarts,
  )
}
