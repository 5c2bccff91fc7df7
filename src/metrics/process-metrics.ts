import type { Registry } from 'prom-client'
import { declareCounter, declareGauge, rows } from './declare-metric.ts'
import { EventLoopDelay } from './event-loop-delay.ts'

export interface ProcessSources {
  readonly version: string
  readonly isReady: () => boolean
  /** Log lines that nobody took, since start. */
  readonly droppedLines: () => number
}

/** Declares what runs, and how well. */
export function declareProcess(registry: Registry, { version, isReady, droppedLines }: ProcessSources): void {
  declareGauge(
    registry,
    'ticker_build_info',
    'Always 1. The labels name the running versions',
    ['version', 'node'],
    () => [[{ version: version, node: process.versions.node }, 1]],
  )
  declareGauge(
    registry,
    'ticker_ready',
    '1 when /readyz is green. 0: the log is still being read up to its end at start, or the ' +
      'node is leaving',
    [],
    () => (isReady() ? 1 : 0),
  )
  declareCounter(
    registry,
    'ticker_log_lines_dropped_total',
    'Log lines that could not be written to standard error. A rise: the reader of the lines ' +
      'has gone or stands still, or its disk is full. Nothing else stops because of this',
    [],
    droppedLines,
  )
  const delay = new EventLoopDelay(performance.now())
  declareGauge(
    registry,
    'ticker_event_loop_delay_seconds',
    'Delay of the event loop in the last one to two minutes; max is the longest gap, in which ' +
      'no client was served. A rise: a computation takes too long, or the machine lacks CPU',
    ['statistic'],
    () => rows('statistic', { ...delay.read(performance.now()) }),
  )
}

/** `ready`: it serves; `starting`: it reads the log; `waiting`: it ended, and another one begins after a delay. */
export type WorkerState = 'ready' | 'starting' | 'waiting'

/** What is known of the processes that serve the stream. */
export interface WorkerSources {
  readonly states: () => Readonly<Record<WorkerState, number>>
  /** Workers that ended although they should not have, since start. */
  readonly restarts: () => number
}

/** Of a process that is the whole node. */
export function singleProcessSources(isReady: () => boolean): WorkerSources {
  return {
    states: () => ({ ready: isReady() ? 1 : 0, starting: isReady() ? 0 : 1, waiting: 0 }),
    restarts: () => 0,
  }
}

/** Declares what is known of the processes that serve the stream. */
export function declareWorkers(registry: Registry, { states, restarts }: WorkerSources): void {
  declareGauge(
    registry,
    'ticker_workers',
    'Processes that serve the stream, by state. Fewer ready than TICKER_WORKERS: one has ' +
      'crashed or is still reading the log, and the others have its clients',
    ['state'],
    () => rows('state', { ...states() }),
  )
  declareCounter(
    registry,
    'ticker_worker_restarts_total',
    'Workers that ended unasked and were replaced. A rise: workers crash or are killed, ' +
      'perhaps for lack of memory (the log has code and signal)',
    [],
    restarts,
  )
}
