import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { kindsOf, type Pair, request, SessionFixture, startMs } from './session-fixture.ts'

let fixture: SessionFixture

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  fixture = new SessionFixture({ maxItemsPerSession: 50_000 })
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

/** How many messages are taken before the session ends; the one that authenticated it counts. */
function countTaken({ session }: Pair, send: () => void): number {
  let taken = 1
  for (; taken < 1000; taken++) {
    send()
    if (session.state === 'ended') return taken
  }
  return taken
}

test.each<[string, (pair: Pair) => void, number]>([
  ['messages', ({ session }) => request(session, { action: 'unsubscribe' }), 200],
  ['pings', ({ session }) => session.requests.receiveControl(), 200],
  ['binary messages', ({ session }) => session.receive(Buffer.alloc(1)), 200],
  ['messages of 9 kB', ({ session }) => session.receive(' '.repeat(9216)), 20],
  ['binary messages of 9 kB', ({ session }) => session.receive(Buffer.alloc(9216)), 20],
])("four seconds' worth of %s are taken at once", async (_name, send, most) => {
  const pair = await fixture.openLive()
  expect(countTaken(pair, () => send(pair))).toBe(most)
  expect(pair.transport.take().at(-1)).toMatchObject({ code: 429, msg: 'too many messages' })
  expect(pair.transport.closed).toBe('tooManyMessages')
})

test('messages at the rate are taken for ever', async () => {
  const pair = await fixture.openLive()
  for (let count = 0; count < 3000; count++) {
    await vi.advanceTimersByTimeAsync(20)
    request(pair.session, { action: 'unsubscribe' })
  }
  expect(pair.session.state).toBe('live')
})

test('a further token counts as a message', async () => {
  const pair = await fixture.openLive()
  fixture.verify = () => new Promise(() => undefined)
  expect(countTaken(pair, () => request(pair.session, { action: 'auth', token: 'x' }))).toBe(200)
})

test('a message that is answered with many items counts for more', async () => {
  const pair = await fixture.openLive()
  const symbols = Array.from({ length: 5000 }, (_, index) => `S${index}`)
  // Its 38 kB count as 38 messages, its answer as 10, as does each answer that follows.
  request(pair.session, { action: 'subscribe', trades: symbols })
  expect(countTaken(pair, () => request(pair.session, { action: 'unsubscribe', quotes: ['A'] }))).toBe(15)
})

test('after the end nothing more is taken', async () => {
  const pair = await fixture.openLive()
  countTaken(pair, () => request(pair.session, { action: 'unsubscribe' }))
  pair.transport.take()
  for (let count = 0; count < 10; count++) request(pair.session, { action: 'unsubscribe' })
  expect(kindsOf(pair.transport.take())).toEqual([])
  expect(fixture.sessions.counts.errors[429]).toBe(1)
})

test('pings count before authentication too', () => {
  const { session, transport } = fixture.open()
  for (let count = 0; count < 201; count++) session.requests.receiveControl()
  expect(transport.closed).toBe('tooManyMessages')
})
