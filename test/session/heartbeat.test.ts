import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Pair, Stage, startMs } from './stage.ts'

let stage: Stage

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  stage = new Stage({ maxSessions: 2000, maxSessionsPerUser: 2000, sessionsPerUserPerSecond: 1000 })
})
afterEach(async () => {
  await stage.end()
  vi.useRealTimers()
})

test('each of many sessions gets one heartbeat an interval, some in each turn of the event loop', async () => {
  const pairs: Pair[] = []
  for (let count = 0; count < 600; count++) pairs.push(await stage.openLive())
  const counts = (): number[] => pairs.map(({ transport }) => transport.messages.length)
  const told = (): number => counts().filter(count => count > 0).length
  stage.sessions.beat()
  const inTurns = [told()]
  while (told() < 600) {
    await vi.advanceTimersToNextTimerAsync()
    inTurns.push(told())
  }
  expect(inTurns).toEqual([250, 500, 600])
  for (const { transport } of pairs) transport.take()
  await vi.advanceTimersByTimeAsync(5100)
  expect(new Set(counts())).toEqual(new Set([1]))
})

test('of many sessions that leave, each is told when, and closed then', async () => {
  const pairs: Pair[] = []
  for (let count = 0; count < 600; count++) pairs.push(await stage.openLive())
  const drained = stage.sessions.drain(1000)
  await vi.advanceTimersByTimeAsync(100)
  const told = pairs.map(({ transport }) => transport.take())
  expect(told).toEqual(pairs.map(() => [{ T: 'shutdown', reconnectInMs: 500 }]))
  await vi.advanceTimersByTimeAsync(600)
  expect(new Set(pairs.map(({ transport }) => transport.closed?.code))).toEqual(new Set([4000]))
  for (const { session } of pairs) stage.sessions.gone(session)
  await drained
})
