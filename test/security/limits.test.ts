import { expect, test } from 'vitest'
import { StreamClient } from '../support/stream-client.ts'
import { attackedGateway } from './attacked-gateway.ts'

const attacked = attackedGateway({
  TICKER_MAX_SESSIONS: '30',
  TICKER_MAX_SESSIONS_PER_USER: '10',
  TICKER_MAX_CONNECTIONS_PER_ADDRESS: '15',
  TICKER_HANDSHAKES_PER_ADDRESS_PER_SECOND: '10',
  TICKER_SESSIONS_PER_USER_PER_SECOND: '100',
})

interface Attempt {
  readonly client: StreamClient
  /** `authenticated`, the code of an error, or the status that the handshake was refused with. */
  readonly end: string
}

async function attempt(from: string, subject: string): Promise<Attempt> {
  const token = await attacked().issuer.token({ claims: { sub: subject } })
  const headers = { authorization: `Bearer ${token}` }
  const client = new StreamClient(attacked().streamUrl, { localAddress: from, headers })
  const refused = new Promise<string>(resolve => {
    client.webSocket.once('unexpected-response', (_request, response) => {
      response.resume()
      resolve(String(response.statusCode))
    })
  })
  const answered = client.takeMany(2).then(([, answer]) => String(answer?.['code'] ?? answer?.['msg']))
  return { client, end: await Promise.race([refused, answered]) }
}

async function leave(attempts: readonly Attempt[]): Promise<void> {
  for (const { client } of attempts) client.webSocket.terminate()
  await expect.poll(() => attacked().metric('ticker_connections{transport="websocket"}')).toBe(1)
}

const countOf = (attempts: readonly Attempt[], wanted: string): number =>
  attempts.filter(({ end }) => end === wanted).length

test('a user over his sessions: 406, for that user alone', async () => {
  const attempts = await Promise.all(
    Array.from({ length: 15 }, (_, index) => attempt(`127.0.10.${1 + index}`, 'greedy')),
  )
  const other = await attempt('127.0.11.1', 'modest')

  expect([countOf(attempts, 'authenticated'), countOf(attempts, '406'), other.end]).toEqual([
    10,
    5,
    'authenticated',
  ])
  await leave([...attempts, other])
})

test('an address over its connections: 429, for that address alone', async () => {
  const attempts = await Promise.all(
    Array.from({ length: 20 }, (_, index) => attempt('127.0.12.1', `user-${index}`)),
  )
  const other = await attempt('127.0.12.2', 'user-0')

  expect([countOf(attempts, 'authenticated'), countOf(attempts, '429'), other.end]).toEqual([
    15,
    5,
    'authenticated',
  ])
  await leave([...attempts, other])
})

test('a node over its sessions: 406, and who is in stays in', async () => {
  const attempts = await Promise.all(
    Array.from({ length: 40 }, (_, index) => attempt(`127.0.13.${1 + index}`, `user-${index}`)),
  )

  expect([countOf(attempts, 'authenticated'), countOf(attempts, '406')]).toEqual([29, 11])
  await leave(attempts)
})

test('an address that connects again without a pause: slowed down, then 429', async () => {
  const attempts = await Promise.all(
    Array.from({ length: 150 }, async () => {
      const one = await attempt('127.0.14.1', 'restless')
      one.client.webSocket.terminate()
      return one
    }),
  )

  // Four seconds' worth at once, five seconds' worth in turns.
  expect(countOf(attempts, '429')).toBeGreaterThan(40)
  await leave(attempts)
})
