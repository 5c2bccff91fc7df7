import type { Registry } from 'prom-client'
import { EventLoopDelay } from './event-loop-delay.ts'
import { counter, gauge, rows } from './read-metric.ts'

export interface ProcessFigures {
  readonly version: string
  readonly isReady: () => boolean
  /** Log lines that nobody took, since start. */
  readonly droppedLines: () => number
}

/** Declares what runs, and how well. */
export function declareProcess(registry: Registry, { version, isReady, droppedLines }: ProcessFigures): void {
  gauge(registry, 'ticker_build_info', 'Always 1. The labels say what runs', ['version', 'node'], () => [
    [{ version: version, node: process.versions.node }, 1],
  ])
  gauge(
    registry,
    'ticker_ready',
    '1 when /readyz is green. 0: the log is still being read up to where it ended at start, or the node is leaving',
    [],
    () => (isReady() ? 1 : 0),
  )
  counter(
    registry,
    'ticker_log_lines_dropped_total',
    'Lines of the log that could not be written to standard error. A rise: whoever reads it has gone or stands still, or its disk is full; nothing else stops for that',
    [],
    droppedLines,
  )
  const delay = new EventLoopDelay(performance.now())
  gauge(
    registry,
    'ticker_event_loop_delay_seconds',
    'How late the event loop was in the last one to two minutes; max is the longest gap, in which nobody was served. A rise: something computes too long at a time, or the machine lacks CPU',
    ['statistic'],
    () => rows('statistic', { ...delay.read(performance.now()) }),
  )
}
