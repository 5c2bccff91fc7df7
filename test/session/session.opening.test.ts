import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TokenError } from '../../src/auth/token-error.ts'
import type { SessionOpening } from '../../src/session/session-context.ts'
import type { SubscribeCommand } from '../../src/protocol/command.ts'
import { tickerV1 } from '../../src/protocol/ticker-v1/ticker-v1.ts'
import { createGrant } from '../support/defaults.ts'
import { FakeTransport } from './fake-transport.ts'
import { kindsOf, SessionFixture } from './session-fixture.ts'

const origin = { address: '192.0.2.1', ageMs: 0 }

let fixture: SessionFixture

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  fixture = new SessionFixture({ maxItemsPerSession: 2 })
})

afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

function subscribeCommand(fields: object): SubscribeCommand {
  const command = tickerV1.parse(JSON.stringify({ action: 'subscribe', ...fields }))
  if (!('kind' in command) || command.kind !== 'subscribe') throw new Error(JSON.stringify(command))
  return command
}

async function begin(fields: object, changes: Partial<SessionOpening> = {}): Promise<FakeTransport> {
  const transport = new FakeTransport(undefined, { name: 'sse', hasUpstream: false })
  const session = fixture.sessions.open(transport, origin)
  session.begin({ token: 'x', subscribe: subscribeCommand(fields), ...changes })
  expect(transport.isOpened).toBe(false)
  await vi.advanceTimersByTimeAsync(0)
  return transport
}

describe('a session on a transport without upstream', () => {
  test('has opened once its subscription is acknowledged', async () => {
    const transport = await begin({ trades: ['AAPL'] })
    expect(transport.isOpened).toBe(true)
    expect(kindsOf(transport.take())).toEqual(['connected', 'authenticated', 'subscription'])
    fixture.trade('AAPL', 1)
    expect(transport.take()).toMatchObject([{ T: 't', S: 'AAPL', p: 1 }])
  })

  test.each([
    ['more items than a session may have', { trades: ['A', 'B', 'C'] }, 405],
    ['an item that the token does not allow', { trades: ['TSLA'] }, 409],
  ])('ends as rejected by %s, before it has opened', async (_title, fields, code) => {
    fixture.verify = () => Promise.resolve(createGrant({ symbols: new Set(['A', 'B', 'C']) }))
    const transport = await begin(fields)
    expect(transport.closed).toBe('rejected')
    expect(transport.isOpened).toBe(false)
    expect(transport.take().at(-1)).toMatchObject({ T: 'error', code })
    expect(fixture.sessions.counts).toMatchObject({ errors: { [code]: 1 }, closes: { sse: { rejected: 1 } } })
    expect(fixture.feed.subscribedItems).toBe(0)
  })

  test('ends as rejected by a cursor that goes further than the log', async () => {
    const topic = { topic: 'market.trades', epoch: 'another', partition: 0 }
    const cursor = { version: 1, partitions: [{ ...topic, positions: '5' }] }
    const transport = await begin({ trades: ['AAPL'], cursor })
    await vi.waitFor(() => expect(transport.closed).toBe('rejected'))
    expect(transport.isOpened).toBe(false)
  })

  test('ends as unauthorized by a token that is refused', async () => {
    fixture.verify = () => Promise.reject(new TokenError('expired', 'internal'))
    const transport = await begin({ trades: ['AAPL'] })
    expect(transport.closed).toBe('unauthorized')
    expect(transport.isOpened).toBe(false)
  })
})

test.each([
  ['messages in any order', { isOrdered: false }, /any order/],
  ['short messages', { maxMessageBytes: 1200 }, /1200 bytes; sessions need 65536/],
])('a transport with %s carries no session', (_title, traits, fault) => {
  const transport = new FakeTransport(undefined, traits)
  expect(() => fixture.sessions.open(transport, origin)).toThrow(fault)
  expect(fixture.sessions.size).toBe(0)
})
