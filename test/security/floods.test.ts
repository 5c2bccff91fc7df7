import { expect, test } from 'vitest'
import { clientFrame } from './frames.ts'
import { RawPeer } from './raw-peer.ts'
import { attackedGateway, payloadMark } from './attacked-gateway.ts'

const maxItems = 2000
const attacked = attackedGateway({
  TICKER_MAX_ITEMS: String(maxItems),
  TICKER_SLOW_TIMEOUT_MS: '1000',
  // A slow client is warned before its end.
  TICKER_HEARTBEAT_MS: '500',
  TICKER_PING_MS: '3000',
})
const t = '2026-01-02T14:30:00Z'

/** Publishes events as a user, and returns the status. */
async function publish(user: string, events: readonly object[]): Promise<number> {
  const token = await attacked().issuer.token({ claims: { sub: user } })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const response = await fetch(`${attacked().url}/v1/events`, {
    method: 'POST',
    headers,
    body: JSON.stringify(events),
  })
  await response.body?.cancel()
  return response.status
}

test('a publisher that is faster than it may be is refused', async () => {
  const events = Array.from({ length: 1000 }, () => ({ T: 't', S: 'FAST', p: 1, s: 1, t }))
  const statuses = await Promise.all(Array.from({ length: 30 }, () => publish('fast', events)))

  expect(new Set(statuses)).toEqual(new Set([200, 429]))
})

test('sessions that never read fall behind, and are cut off', async () => {
  const { issuer } = attacked()
  const peers = await Promise.all(
    Array.from({ length: 5 }, async (_, index) => {
      const token = await issuer.token({ claims: { sub: `deaf-${index}` } })
      const peer = await RawPeer.upgraded(attacked(), `127.0.7.${1 + index}`, token)
      peer.send(clientFrame('{"action":"subscribe","news":["*"]}'))
      await peer.until(() => peer.messages.some(({ T }) => T === 'subscription'))
      peer.socket.pause()
      return peer
    }),
  )
  const isOver = async (): Promise<boolean> =>
    (await attacked().metric('ticker_sessions_closed_total{transport="websocket",reason="too_slow"}')) ===
    peers.length
  // The kernel takes megabytes before anything is unsent.
  const news = {
    T: 'n',
    headline: 'x',
    created_at: t,
    symbols: ['DEAF'],
    content: payloadMark.repeat(10_000),
  }
  for (let id = 0; id < 100; id += 1) expect(await publish('writer', [{ ...news, id }])).toBe(200)

  await expect.poll(isOver).toBe(true)
  for (const peer of peers) peer.leave()
})

test('sessions that answer no ping are ended', async () => {
  const silent = 'ticker_sessions_closed_total{transport="websocket",reason="no_answer_to_pings"}'
  const before = await attacked().metric(silent)
  const peers = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const token = await attacked().issuer.token({ claims: { sub: `silent-${index % 10}` } })
      return await RawPeer.upgraded(attacked(), `127.0.8.${1 + index}`, token)
    }),
  )
  await expect.poll(() => attacked().metric(silent)).toBe(before + 50)
  for (const peer of peers) peer.leave()
})

test('a publisher of ten times as many symbols as the node keeps takes nothing from the others', async () => {
  const forgotten = 'ticker_items_forgotten_total{feed="live",claim="none"}'
  const forgottenBefore = await attacked().metric(forgotten)
  for (let from = 0; from < 10 * maxItems; from += 1000) {
    const events = Array.from({ length: 1000 }, (_, index) => ({
      T: 't',
      S: `R${from + index}`,
      p: 1,
      s: 1,
      t,
    }))
    // More than 10,000 events a second are refused: another user then.
    expect(await publish(`flooder-${Math.floor(from / 10_000)}`, events)).toBe(200)
  }

  const all = 10 * maxItems - maxItems
  await expect.poll(() => attacked().metric(forgotten)).toBeGreaterThan(forgottenBefore + all)
  expect(await attacked().metric('ticker_items{feed="live"}')).toBe(maxItems)
})
