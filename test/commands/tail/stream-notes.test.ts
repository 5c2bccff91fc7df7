import { expect, test } from 'vitest'
import { IdleNote } from '../../../src/commands/tail/stream-notes.ts'

const heartbeat = { T: 'heartbeat', agesMs: { trades: 7_500_000, quotes: 5 }, lag: 0 }

test('says nothing of heartbeats while events come', () => {
  const note = new IdleNote(['trades'], 0)
  note.recordEvent(8000)
  expect(note.recordHeartbeat(heartbeat, 9999)).toBeUndefined()
  expect(note.recordHeartbeat(heartbeat, 17_999)).toBeUndefined()
})

test('says every ten seconds that nothing comes, and how old the newest event of these channels is', () => {
  const note = new IdleNote(['trades', 'news'], 0)
  expect(note.recordHeartbeat(heartbeat, 10_000)).toBe(
    'nothing for 10 s; the gateway answers; its newest trades event is from 2 h 5 min ago',
  )
  expect(note.recordHeartbeat(heartbeat, 15_000)).toBeUndefined()
  expect(note.recordHeartbeat(heartbeat, 20_000)).toMatch(/^nothing for 20 s/)
})

test('says when there never was an event, and when the gateway itself is behind', () => {
  const note = new IdleNote(['lulds'], 0)
  expect(note.recordHeartbeat({ ...heartbeat, lag: 7 }, 60_000)).toBe(
    'nothing for 1 min 0 s; the gateway answers; it knows of no event on these channels; ' +
      'it has 7 records of the log still to read',
  )
})

test('says that the gateway cannot read the log', () => {
  const outage = { lag: null, source: 'unreachable', since: '2026-02-22T15:51:36Z' }
  expect(new IdleNote(['trades'], 0).recordHeartbeat({ ...heartbeat, ...outage }, 60_000)).toMatch(
    /; it cannot read the log \(unreachable\) since 2026-02-22T15:51:36Z$/,
  )
})

test('takes a heartbeat without fields', () => {
  expect(new IdleNote(['lulds'], 0).recordHeartbeat({ T: 'heartbeat' }, 60_000)).toMatch(
    /no event on these channels$/,
  )
})
