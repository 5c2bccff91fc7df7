import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { StreamClient } from '../support/stream-client.ts'
import type { TokenChanges } from './token-issuer.ts'
import { RawPeer } from './raw-peer.ts'
import { attackedGateway } from './attacked-gateway.ts'

const attacked = attackedGateway()
const attackerAddress = '127.0.3.1'

/** How a session with this token in its handshake ends. */
async function endOf(token: string): Promise<{ detail: unknown; code: number }> {
  const headers = { authorization: `Bearer ${token}` }
  const client = new StreamClient(attacked().streamUrl, { localAddress: attackerAddress, headers })
  await client.take('success')
  const { detail } = await client.take('error')
  const { code } = await client.closed()
  return { detail, code }
}

async function statusOf(token: string, path: '/v1/symbols' | '/v1/events'): Promise<number> {
  const method = path === '/v1/symbols' ? 'GET' : 'POST'
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = method === 'POST' ? { body: '{"T":"t","S":"A","p":1,"s":1,"t":"2026-01-02T14:30:00Z"}' } : {}
  return (await fetch(`${attacked().url}${path}`, { method, headers, ...body })).status
}

/** An RSA key that the issuer does not have, and that ES256 cannot use. */
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const inS = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds
const publicPem = (): Buffer =>
  Buffer.from(attacked().issuer.keys.publicKey.export({ type: 'spki', format: 'pem' }))

test.each<[string, string, () => TokenChanges]>([
  ['an expired token', 'expired', () => ({ claims: { exp: inS(-60) } })],
  ['a token that is not valid yet', 'not_yet_valid', () => ({ claims: { nbf: inS(600) } })],
  ['a token for another audience', 'audience', () => ({ claims: { aud: 'other' } })],
  ['a token of another issuer', 'issuer', () => ({ claims: { iss: 'https://evil.example' } })],
  ['a token without an end', 'claims ("exp" is missing)', () => ({ claims: { exp: undefined } })],
  [
    'HMAC with the public key as its secret',
    'algorithm',
    () => ({ header: { alg: 'HS256', kid: 'good' }, key: publicPem() }),
  ],
  [
    'the right key id, with a key of the attacker',
    'signature',
    () => ({ key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }),
  ],
  [
    'an RSA key under the id of the EC key',
    'key',
    () => ({ header: { alg: 'RS256', kid: 'good' }, key: rsa.privateKey }),
  ],
])('%s is refused everywhere, for its %s', async (_, reason, changes) => {
  const token = await attacked().issuer.token(changes())

  expect(await endOf(token)).toEqual({ detail: `the token was refused: ${reason}`, code: 4501 })
  expect(await statusOf(token, '/v1/symbols')).toBe(401)
  expect(await statusOf(token, '/v1/events')).toBe(401)
})

test('a token with alg none is refused everywhere', async () => {
  const [, claims] = (await attacked().issuer.token()).split('.')
  for (const alg of ['none', 'None', 'nOnE']) {
    const header = Buffer.from(JSON.stringify({ alg, kid: 'good' })).toString('base64url')
    const token = `${header}.${claims}.`

    expect(await endOf(token)).toEqual({ detail: 'the token was refused: algorithm', code: 4501 })
    expect(await statusOf(token, '/v1/events')).toBe(401)
  }
})

test('claims changed after signing are refused', async () => {
  const [header, claims = '', signature] = (await attacked().issuer.token()).split('.')
  const changed = JSON.parse(Buffer.from(claims, 'base64url').toString()) as object
  const forged = Buffer.from(JSON.stringify({ ...changed, sub: 'admin' })).toString('base64url')

  expect(await endOf(`${header}.${forged}.${signature}`)).toMatchObject({ code: 4501 })
})

test('a token is of no use beyond its scope', async () => {
  const reader = await attacked().issuer.token({ claims: { scope: 'stream' } })
  const writer = await attacked().issuer.token({ claims: { scope: 'publish' } })

  expect(await statusOf(reader, '/v1/events')).toBe(403)
  expect(await statusOf(writer, '/v1/symbols')).toBe(403)
  expect(await endOf(writer)).toMatchObject({ detail: 'the token lacks the scope "stream"', code: 4501 })
})

test('a token in the URL is refused unread, and is not logged', async () => {
  const token = await attacked().issuer.token()
  const response = await fetch(`${attacked().url}/v1/stream?token=${token}`)
  const client = new StreamClient(`${attacked().streamUrl}?access_token=${token}`, {
    localAddress: attackerAddress,
  })

  expect([response.status, (await client.closed()).code]).toEqual([400, 1006])
  expect(attacked().log).not.toContain(token)
})

test('a token with an unknown key id is refused once the key set was read again', async () => {
  const token = await attacked().issuer.token({ header: { alg: 'ES256', kid: 'unknown' } })

  expect(await endOf(token)).toEqual({ detail: 'the token was refused: key', code: 4501 })
})

test('a storm of unknown key ids costs one read of the key set', async () => {
  const { issuer } = attacked()
  const readsBefore = issuer.server.requests
  const tokens = await Promise.all(
    Array.from({ length: 100 }, (_, index) => issuer.token({ header: { alg: 'ES256', kid: `k${index}` } })),
  )
  const requests = tokens.map(
    token => `GET /v1/symbols HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  )
  const peers = await Promise.all(
    Array.from({ length: 50 }, () => RawPeer.connect(attacked(), attackerAddress)),
  )
  for (const peer of peers) peer.send(requests.join(''))
  await Promise.all(peers.map(peer => peer.until(() => peer.text.split('HTTP/1.1 401').length > 100)))
  for (const peer of peers) peer.leave()

  // 5,000 tokens: the first thousand wait for the read that they make necessary, the others are refused at
  // once.
  expect(issuer.server.requests - readsBefore).toBeLessThanOrEqual(2)
})
