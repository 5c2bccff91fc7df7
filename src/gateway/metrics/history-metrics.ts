import type { Registry } from 'prom-client'
import type { ResumeLimitCounts } from '../../limits/resume-limits.ts'
import type { SharedHistory } from '../shared-history.ts'
import { counter, gauge, rows } from './read-metric.ts'

/** Declares how the log is read again for sessions that are behind what is in memory, and what they may use of it. */
export function declareHistory(
  registry: Registry,
  history: SharedHistory,
  limits: Readonly<ResumeLimitCounts>,
): void {
  gauge(
    registry,
    'ticker_reread_pieces_under_way',
    'Pieces of the log that are being read again, or wait for their turn. More than 4 for long: many are behind at different places, or Kafka is slow',
    [],
    () => history.reads,
  )
  counter(
    registry,
    'ticker_reread_pieces_total',
    'Pieces of the log given to sessions that are behind what is in memory, by where they came from. A rise of log: raise TICKER_TAPE_BYTES, so that fewer have to be read again; of it alone: they are all at different places',
    ['source'],
    () => rows('source', { ...history.counts }),
  )
  gauge(
    registry,
    'ticker_reread_bytes',
    'Memory of the pieces that are kept for whoever reads them next. 32 MiB at most: it falls when the node is short of memory',
    [],
    () => history.bytes,
  )
  counter(
    registry,
    'ticker_resume_delays_total',
    'Times that a session which catches up from the log had to wait, by what for. A rise of bytes: a user is sent all of TICKER_RESUME_BYTES_PER_USER; of user or node: TICKER_RESUMES_AT_ONCE_PER_USER or TICKER_RESUMES_AT_ONCE is reached, as after a node has left',
    ['for'],
    () => rows('for', { ...limits.delayed }),
  )
  gauge(
    registry,
    'ticker_resumes_waiting',
    'Sessions that catch up and wait until their user may be sent more. Some for long: a user has more sessions that resume, or wider ones, than TICKER_RESUME_BYTES_PER_USER allows for',
    [],
    () => limits.waiting,
  )
  counter(
    registry,
    'ticker_resume_bytes_total',
    'Bytes that sessions were sent from the log to catch up. Much of what is delivered: clients lose their connections for long, or TICKER_TAPE_BYTES is small',
    [],
    () => limits.bytes,
  )
}
