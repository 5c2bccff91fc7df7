import { Histogram, type Registry } from 'prom-client'
import { channels } from '../event/event.ts'
import type { Feed } from '../feed/feed.ts'
import type { SharedHistory } from '../history/shared-history.ts'
import type { ResumeLimitCounts } from '../limits/resume-limits.ts'
import { behindCauses } from '../session/session-counts.ts'
import type { Sessions } from '../session/sessions.ts'
import { type Row, declareCounter, declareGauge, rows } from './declare-metric.ts'

const durationBucketsS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const sizeBuckets = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

/** Declares what sessions do that are behind: they resume, or do not keep up. */
export function declareReaders(registry: Registry, sessions: Sessions, { conflation }: Feed): void {
  declareCounter(
    registry,
    'ticker_resumes_total',
    'Sessions that resumed from a cursor, by outcome. A rise: clients lose their connections, ' +
      'or a node has left. Of partial: clients were away for longer than ' +
      'TICKER_RESUME_MAX_AGE_MS or retention. Of failed: the log cannot be read. Of refused: ' +
      'see ticker_memory_state',
    ['outcome'],
    () => {
      const { whole, partial, failed, refused } = sessions.resumeCounts
      return rows('outcome', { whole, partial, failed, refused })
    },
  )
  const { readerCounts: counts } = sessions
  declareGauge(
    registry,
    'ticker_sessions_behind',
    'Sessions that are behind, by cause. Many resume for long: the log is slow, or clients ' +
      'read slowly. Many unsent: networks cannot carry the subscriptions. Many unacknowledged: ' +
      'pages stand still',
    ['cause'],
    () => rows('cause', counts.behind),
  )
  declareCounter(
    registry,
    'ticker_sessions_fell_behind_total',
    'Times that a session fell behind, by cause. A rise of unsent or unacknowledged: clients ' +
      'cannot take their subscriptions. Conflation would help them',
    ['cause'],
    () => rows('cause', counts.begun),
  )
  declareCounter(
    registry,
    'ticker_caught_up_events_total',
    'Events of lossless channels delivered to sessions that were behind, by source. A rise of ' +
      'log: the window does not reach back far enough (TICKER_TAPE_BYTES, TICKER_TAPE_MS)',
    ['source'],
    () => rows('source', { ...counts.caughtUp }),
  )
  declareCounter(
    registry,
    'ticker_conflated_events_total',
    'Events of conflated channels that newer ones replaced before a session got them. A rise: ' +
      'clients are slower than their subscriptions, or conflate by interval as they wish',
    ['channel'],
    () =>
      channels.map(
        (channel): Row => [{ channel }, counts.replaced[channel] + conflation.counts.replaced[channel]],
      ),
  )
  declareCounter(
    registry,
    'ticker_lost_offsets_total',
    'Offsets reported to sessions as lost, counted for each session: older than a session may ' +
      'go back, or gone from the log. A rise: retention or TICKER_RESUME_MAX_AGE_MS is shorter ' +
      'than the absence of clients',
    [],
    () => counts.lostOffsets,
  )
  const duration = new Histogram({
    name: 'ticker_catch_up_seconds',
    help:
      'Time that sessions were behind until they were live again, by cause. A rise of resume: ' +
      'the log is slow, or many sessions resume at once',
    labelNames: ['cause'],
    buckets: durationBucketsS,
    registers: [registry],
  })
  const size = new Histogram({
    name: 'ticker_catch_up_events',
    help:
      'Events of lossless channels that sessions got until they were live again, by cause. A ' +
      'rise of resume: clients are away for longer',
    labelNames: ['cause'],
    buckets: sizeBuckets,
    registers: [registry],
  })
  // Without them a cause that has not occurred would be missing, not 0.
  for (const cause of behindCauses) {
    duration.zero({ cause })
    size.zero({ cause })
  }
  counts.onCaughtUp.add(({ cause, ms, events }) => {
    duration.observe({ cause }, ms / 1000)
    size.observe({ cause }, events)
  })
}

/** Declares how the log is read again for sessions that are behind what is in memory, and what they may use of it. */
export function declareHistory(
  registry: Registry,
  history: SharedHistory,
  limits: Readonly<ResumeLimitCounts>,
): void {
  declareGauge(
    registry,
    'ticker_reread_pieces_under_way',
    'History chunks that are being read from the log, or wait for their turn. More than 4 for ' +
      'long: many sessions are behind at different positions, or Kafka is slow',
    [],
    () => history.reads,
  )
  declareCounter(
    registry,
    'ticker_reread_pieces_total',
    'History chunks given to sessions that are behind the window, by source. A rise of log: ' +
      'raise TICKER_TAPE_BYTES, so that fewer have to be read. Of log alone: the sessions are ' +
      'all at different positions',
    ['source'],
    () => rows('source', { ...history.counts }),
  )
  declareGauge(
    registry,
    'ticker_reread_bytes',
    'Memory of the history chunks that are cached for further sessions. 32 MiB at most. It ' +
      'falls when the node is short of memory',
    [],
    () => history.bytes,
  )
  declareCounter(
    registry,
    'ticker_resume_delays_total',
    'Times that a session which catches up from the log had to wait, by quota. A rise of ' +
      'bytes: a user has received all of TICKER_RESUME_BYTES_PER_USER. Of user or node: ' +
      'TICKER_RESUMES_AT_ONCE_PER_USER or TICKER_RESUMES_AT_ONCE is reached, for example after ' +
      'a node has left',
    ['for'],
    () => rows('for', { ...limits.delayed }),
  )
  declareGauge(
    registry,
    'ticker_resumes_waiting',
    'Sessions that catch up and wait until their user may receive more. Some for long: a user ' +
      'has more or larger resumes than TICKER_RESUME_BYTES_PER_USER allows',
    [],
    () => limits.waiting,
  )
  declareCounter(
    registry,
    'ticker_resume_bytes_total',
    'Bytes sent to sessions from the log for catching up. A large share of all deliveries: ' +
      'clients lose their connections for long, or TICKER_TAPE_BYTES is small',
    [],
    () => limits.bytes,
  )
}
