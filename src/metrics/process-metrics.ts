import type { Registry } from 'prom-client'
import { declareCounter, declareGauge, rows } from './declare-metric.ts'
import type { Clock } from '../system/clock.ts'
import { EventLoopDelay } from './event-loop-delay.ts'

export interface ProcessSources {
  readonly version: string
  readonly isReady: () => boolean
  /** Log lines dropped since start. */
  readonly droppedLines: () => number
  readonly clock: Clock
}

/** Declares the metrics of the process. */
export function declareProcess(registry: Registry, sources: ProcessSources): void {
  const { version, isReady, droppedLines, clock } = sources
  declareGauge(registry, {
    name: 'ticker_build_info',
    help: 'Always 1',
    hint: 'The labels name the running versions',
    labelNames: ['version', 'node'],
    aggregator: 'first',
    read: () => [[{ version, node: process.versions.node }, 1]],
  })
  declareGauge(registry, {
    name: 'ticker_ready',
    help: '1 when /readyz is green',
    hint: '0: the log is still being read up to its end at start, or the node is leaving',
    aggregator: 'first',
    read: () => (isReady() ? 1 : 0),
  })
  declareCounter(registry, {
    name: 'ticker_log_lines_dropped_total',
    help: 'Log lines that could not be written to standard error',
    hint:
      'A rise: the reader of the lines has gone or stands still, or its disk is full. Nothing else ' +
      'stops because of this',
    read: droppedLines,
  })
  const delay = new EventLoopDelay(clock.steady())
  declareGauge(registry, {
    name: 'ticker_event_loop_delay_seconds',
    help:
      'Delay of the event loop in the last one to two minutes; max is the longest gap, in which no ' +
      'client was served',
    hint: 'A rise: a computation takes too long, or the machine lacks CPU',
    labelNames: ['statistic'],
    aggregator: 'max',
    read: () => rows('statistic', { ...delay.read(clock.steady()) }),
  })
}

/** `ready`: it serves; `starting`: it reads the log; `waiting`: it ended and will be replaced. */
export type WorkerState = 'ready' | 'starting' | 'waiting'

/** The processes that serve the stream. */
export interface WorkerSources {
  readonly states: () => Readonly<Record<WorkerState, number>>
  /** Workers that ended unasked, since start. */
  readonly restarts: () => number
}

/** Returns the sources of a process that is the whole node. */
export function singleProcessSources(isReady: () => boolean): WorkerSources {
  return {
    states: () => ({ ready: isReady() ? 1 : 0, starting: isReady() ? 0 : 1, waiting: 0 }),
    restarts: () => 0,
  }
}

/** Declares the metrics of the processes that serve the stream. */
export function declareWorkers(registry: Registry, { states, restarts }: WorkerSources): void {
  declareGauge(registry, {
    name: 'ticker_workers',
    help: 'Processes that serve the stream, by state',
    hint:
      'Fewer ready than TICKER_WORKERS: one has crashed or is still reading the log, and the others ' +
      'have its clients',
    labelNames: ['state'],
    aggregator: 'first',
    read: () => rows('state', { ...states() }),
  })
  declareCounter(registry, {
    name: 'ticker_worker_restarts_total',
    help: 'Workers that ended unasked and were replaced',
    hint: 'A rise: workers crash or are killed, perhaps for lack of memory (the log has code and signal)',
    aggregator: 'first',
    read: restarts,
  })
}
