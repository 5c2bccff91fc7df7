import { expect, test } from 'vitest'
import { ActiveFilters } from '../../../src/feed/active-filters.ts'
import type { ResumeLimits } from '../../../src/limits/resume-limits.ts'
import { ReaderScheduler } from '../../../src/session/catch-up/reader-scheduler.ts'
import { FlowControl } from '../../../src/session/delivery/flow-control.ts'
import { Reader } from '../../../src/session/delivery/reader.ts'
import { createReaderCounts } from '../../../src/session/session-counts.ts'
import { systemClock } from '../../../src/system/clock.ts'
import { createGrant, createTestFeed, defaultLimits } from '../../support/defaults.ts'
import { noHistory } from '../../support/memory-log.ts'
import { FakeTransport } from '../fake-transport.ts'
import { Selection } from '../../../src/feed/selection.ts'

const nothing = () => undefined
const topic = 'market'

test('a reader whose cursor no node has issued is live, and delivers what is selected next', async () => {
  const feed = createTestFeed()
  feed.advance({ partition: { topic, partition: 0 }, epoch: 'e', offset: 5 }, 5)
  const transport = new FakeTransport()
  const reader = new Reader(
    {
      feed,
      filters: new ActiveFilters(defaultLimits),
      clock: systemClock,
      limits: defaultLimits,
      resuming: {
        history: noHistory,
        scheduler: new ReaderScheduler(),
        limits: {} as ResumeLimits,
        isShort: () => false,
        counts: { whole: 0, partial: 0, failed: 0, refused: 0 },
        readers: createReaderCounts(),
      },
    },
    {
      owner: { subject: 'ann', failed: nothing, skipped: nothing, caughtUp: nothing },
      recipient: {
        form: transport.form,
        write: frame => void transport.write(frame),
        send: nothing,
        acknowledged: nothing,
        sendError: nothing,
        fail: nothing,
        refuse: nothing,
      },
      flowControl: new FlowControl({ transport, limits: defaultLimits, clock: systemClock }),
    },
  )
  const cursor = [{ topic, partition: 7, epoch: 'e', position: 1 }]
  const fault = new Promise<string>(resolve => {
    const listener = { refused: resolve, planned: nothing, live: nothing }
    reader.resume({ cursor, grant: createGrant(), maxLooks: 0 }, listener)
  })
  expect(reader.state).toBe('planning')
  expect(await fault).toContain('no such partition')
  expect(reader.state).toBe('live')
  const trades = new Selection(new Map([['trades', '*']]))
  reader.select({ live: trades, intervals: new Map(), every: trades, conflated: Selection.none })
  const trade = { T: 't', S: 'AAPL', p: 1, s: 1, t: '2026-01-02T14:30:00Z' } as const
  feed.add(trade, { partition: 0, offset: 5, writtenMs: 0 })
  feed.flush()
  expect(transport.take()).toEqual([trade])
})
