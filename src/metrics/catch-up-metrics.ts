import { Histogram, type Registry } from 'prom-client'
import { channels } from '../event/event.ts'
import type { SharedHistory } from '../history/shared-history.ts'
import type { ResumeLimitCounts } from '../limits/resume-limits.ts'
import { behindCauses } from '../session/session-counts.ts'
import type { Sessions } from '../session/sessions.ts'
import { type Row, declareCounter, declareGauge, rows, rowsByFeed } from './declare-metric.ts'

const durationBucketsS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const sizeBuckets = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

/** Declares the metrics of sessions that are behind: they resume, or do not keep up. */
export function declareReaders(registry: Registry, { feeds }: Sessions): void {
  declareCounter(registry, {
    name: 'ticker_resumes_total',
    help: 'Sessions that resumed from a cursor, by outcome',
    hint:
      'A rise: clients lose their connections, or a node has left. Of partial: clients were away ' +
      'for longer than TICKER_RESUME_MAX_AGE_MS or retention. Of failed: the log cannot be read. Of ' +
      'refused: see ticker_memory_state',
    labelNames: ['feed', 'outcome'],
    read: () => rowsByFeed(feeds, ({ resumes }) => rows('outcome', { ...resumes })),
  })
  declareGauge(registry, {
    name: 'ticker_sessions_behind',
    help: 'Sessions that are behind, by cause',
    hint:
      'Many resume for long: the log is slow, or clients read slowly. Many unsent: networks cannot ' +
      'carry the subscriptions. Many unacknowledged: pages stand still',
    labelNames: ['feed', 'cause'],
    aggregator: 'sum',
    read: () => rowsByFeed(feeds, ({ readers }) => rows('cause', readers.behind)),
  })
  declareCounter(registry, {
    name: 'ticker_sessions_fell_behind_total',
    help: 'Times that a session fell behind, by cause',
    hint:
      'A rise of unsent or unacknowledged: clients cannot take their subscriptions. Conflation ' +
      'would help them',
    labelNames: ['feed', 'cause'],
    read: () => rowsByFeed(feeds, ({ readers }) => rows('cause', readers.begun)),
  })
  declareCounter(registry, {
    name: 'ticker_caught_up_events_total',
    help: 'Events of lossless channels delivered to sessions that were behind, by source',
    hint: 'A rise of log: the window does not reach back far enough (TICKER_TAPE_BYTES, TICKER_TAPE_MS)',
    labelNames: ['feed', 'source'],
    read: () => rowsByFeed(feeds, ({ readers }) => rows('source', { ...readers.caughtUp })),
  })
  declareCounter(registry, {
    name: 'ticker_conflated_events_total',
    help: 'Events of conflated channels that newer ones replaced before a session got them',
    hint: 'A rise: clients are slower than their subscriptions, or conflate by interval as they wish',
    labelNames: ['feed', 'channel'],
    read: () =>
      rowsByFeed(feeds, ({ readers, feed: { conflation } }) =>
        channels.map(
          (channel): Row => [{ channel }, readers.replaced[channel] + conflation.counts.replaced[channel]],
        ),
      ),
  })
  declareCounter(registry, {
    name: 'ticker_lost_offsets_total',
    help:
      'Offsets reported to sessions as lost, counted for each session: older than a session may go ' +
      'back, or gone from the log',
    hint: 'A rise: retention or TICKER_RESUME_MAX_AGE_MS is shorter than the absence of clients',
    labelNames: ['feed'],
    read: () => rowsByFeed(feeds, ({ readers }) => readers.lostOffsets),
  })
  const duration = new Histogram({
    name: 'ticker_catch_up_seconds',
    help:
      'Time that sessions were behind until they were live again, by cause. A rise of resume: the ' +
      'log is slow, or many sessions resume at once',
    labelNames: ['feed', 'cause'],
    buckets: durationBucketsS,
    registers: [registry],
  })
  const size = new Histogram({
    name: 'ticker_catch_up_events',
    help:
      'Events of lossless channels that sessions got until they were live again, by cause. A rise ' +
      'of resume: clients are away for longer',
    labelNames: ['feed', 'cause'],
    buckets: sizeBuckets,
    registers: [registry],
  })
  // Without them a cause that has not occurred would be missing, not 0.
  for (const { name: feed, readers } of feeds) {
    for (const cause of behindCauses) {
      duration.zero({ feed, cause })
      size.zero({ feed, cause })
    }
    readers.onCaughtUp.add(({ cause, ms, events }) => {
      duration.observe({ feed, cause }, ms / 1000)
      size.observe({ feed, cause }, events)
    })
  }
}

interface HistorySource {
  readonly name: string
  readonly history: SharedHistory
}

/**
 * Declares the metrics of reading the log again, for sessions further behind than memory reaches, and of its
 * limits.
 */
export function declareHistory(
  registry: Registry,
  feeds: readonly HistorySource[],
  limits: Readonly<ResumeLimitCounts>,
): void {
  declareGauge(registry, {
    name: 'ticker_reread_pieces_under_way',
    help: 'History chunks that are being read from the log, or wait for their turn',
    hint: 'More than 4 for long: many sessions are behind at different positions, or Kafka is slow',
    labelNames: ['feed'],
    aggregator: 'sum',
    read: () => rowsByFeed(feeds, ({ history }) => history.reads),
  })
  declareCounter(registry, {
    name: 'ticker_reread_pieces_total',
    help: 'History chunks given to sessions that are behind the window, by source',
    hint:
      'A rise of log: raise TICKER_TAPE_BYTES, so that fewer have to be read. Of log alone: the ' +
      'sessions are all at different positions',
    labelNames: ['feed', 'source'],
    read: () => rowsByFeed(feeds, ({ history }) => rows('source', { ...history.counts })),
  })
  declareGauge(registry, {
    name: 'ticker_reread_bytes',
    help: 'Memory of the history chunks that are cached for further sessions',
    hint: '32 MiB at most. It falls when the node is short of memory',
    labelNames: ['feed'],
    aggregator: 'sum',
    read: () => rowsByFeed(feeds, ({ history }) => history.bytes),
  })
  declareCounter(registry, {
    name: 'ticker_resume_delays_total',
    help: 'Times that a session which catches up from the log had to wait, by quota',
    hint:
      'A rise of bytes: a user has received all of TICKER_RESUME_BYTES_PER_USER. Of user or node: ' +
      'TICKER_RESUMES_AT_ONCE_PER_USER or TICKER_RESUMES_AT_ONCE is reached, for example after a ' +
      'node has left',
    labelNames: ['for'],
    read: () => rows('for', { ...limits.delayed }),
  })
  declareGauge(registry, {
    name: 'ticker_resumes_waiting',
    help: 'Sessions that catch up and wait until their user may receive more',
    hint: 'Some for long: a user has more or larger resumes than TICKER_RESUME_BYTES_PER_USER allows',
    aggregator: 'sum',
    read: () => limits.waiting,
  })
  declareCounter(registry, {
    name: 'ticker_resume_bytes_total',
    help: 'Bytes sent to sessions from the log for catching up',
    hint:
      'A large share of all deliveries: clients lose their connections for long, or ' +
      'TICKER_TAPE_BYTES is small',
    read: () => limits.bytes,
  })
}
