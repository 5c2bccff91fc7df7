import { Histogram, type Registry } from 'prom-client'
import { channels } from '../../event/event.ts'
import type { Feed } from '../../fanout/feed.ts'
import { behindCauses } from '../../session/reader-counts.ts'
import type { Sessions } from '../../session/sessions.ts'
import { counter, gauge, type Row, rows } from './read-metric.ts'

const durationBucketsS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const sizeBuckets = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

/** Declares what sessions do that are behind: they resume, or do not keep up. */
export function declareReaders(registry: Registry, sessions: Sessions, { conflation }: Feed): void {
  counter(
    registry,
    'ticker_resumes_total',
    'Sessions that went on from a cursor, by outcome. A rise: clients lose their connections, or a node has left; of partial: they were away for longer than TICKER_RESUME_MAX_AGE_MS or retention; of failed: the log cannot be read; of refused: see ticker_memory_state',
    ['outcome'],
    () => {
      const { whole, partial, failed, refused } = sessions.resumeCounts
      return rows('outcome', { whole, partial, failed, refused })
    },
  )
  const { readerCounts: counts } = sessions
  gauge(
    registry,
    'ticker_sessions_behind',
    'Sessions that are not where the feed is, by cause. Many resume for long: the log is slow, or clients read slowly; many unsent: networks cannot carry what is subscribed; many unacknowledged: pages stand still',
    ['cause'],
    () => rows('cause', counts.behind),
  )
  counter(
    registry,
    'ticker_sessions_fell_behind_total',
    'Times that a session began to be behind, by cause. A rise of unsent or unacknowledged: clients cannot take what they have subscribed to; conflation would help them',
    ['cause'],
    () => rows('cause', counts.begun),
  )
  counter(
    registry,
    'ticker_caught_up_events_total',
    'Events of lossless channels delivered to sessions that were behind, by where they were read. A rise of log: the recent events in memory do not reach back far enough (TICKER_TAPE_BYTES, TICKER_TAPE_MS)',
    ['source'],
    () => rows('source', { ...counts.caughtUp }),
  )
  counter(
    registry,
    'ticker_conflated_events_total',
    'Events of conflated channels that were replaced by newer ones before a session got them. A rise: clients are slower than what they subscribe to, or conflate by interval as they wish',
    ['channel'],
    () =>
      channels.map(
        (channel): Row => [{ channel }, counts.replaced[channel] + conflation.counts.replaced[channel]],
      ),
  )
  counter(
    registry,
    'ticker_lost_offsets_total',
    'Offsets that sessions were told are lost to them, counted for each session: older than they may go back, or gone from the log. A rise: retention or TICKER_RESUME_MAX_AGE_MS is shorter than clients are away',
    [],
    () => counts.lostOffsets,
  )
  const duration = new Histogram({
    name: 'ticker_catch_up_seconds',
    help: 'How long sessions were behind until they were live again, by cause. A rise of resume: the log is slow, or many resume at once',
    labelNames: ['cause'],
    buckets: durationBucketsS,
    registers: [registry],
  })
  const size = new Histogram({
    name: 'ticker_catch_up_events',
    help: 'How many events of lossless channels sessions got until they were live again, by cause. A rise of resume: clients are away for longer',
    labelNames: ['cause'],
    buckets: sizeBuckets,
    registers: [registry],
  })
  // Without them a cause that has not occurred would be missing, not 0.
  for (const cause of behindCauses) {
    duration.zero({ cause })
    size.zero({ cause })
  }
  counts.onCaughtUp = ({ cause, ms, events }) => {
    duration.observe({ cause }, ms / 1000)
    size.observe({ cause }, events)
  }
}
