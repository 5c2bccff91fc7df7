import { afterAll, beforeAll, expect, test } from 'vitest'
import { KeyServer } from '../auth/key-server.ts'
import { claims, es256, identity, sign } from '../auth/test-tokens.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'

const [first, second] = [es256(), es256()]
const jwkOf = ({ publicKey }: typeof first, kid: string) => ({ ...publicKey.export({ format: 'jwk' }), kid })
const [firstJwk, secondJwk] = [jwkOf(first, 'first'), jwkOf(second, 'second')]

let issuer: KeyServer
let gateway: TestGateway

beforeAll(async () => {
  issuer = await KeyServer.start()
  issuer.serve(firstJwk)
  gateway = await startTestGateway({
    TICKER_JWT_JWKS_URL: issuer.url,
    TICKER_JWT_ISSUER: identity.issuer,
    TICKER_JWT_AUDIENCE: identity.audience,
  })
})
afterAll(async () => {
  await gateway.stop()
  await issuer.stop()
})

/** Whether a session begins with a token of this key. */
async function authenticate(pair: typeof first, kid: string): Promise<void> {
  const payload = { ...claims, exp: Math.floor(Date.now() / 1000) + 60 }
  const token = await sign(payload, pair.privateKey, { alg: 'ES256', kid })
  const client = await StreamClient.open(gateway.streamUrl, token)
  await client.close()
}

test('sessions begin while the issuer rotates its key, and while it is away', async () => {
  await authenticate(first, 'first')
  issuer.serve(firstJwk, secondJwk)
  await authenticate(second, 'second')
  expect(await gateway.metric('ticker_key_set_reads_total{outcome="read"}')).toBe(2)
  issuer.answer = response => response.writeHead(503).end()
  await authenticate(first, 'first')
  await authenticate(second, 'second')
  expect(await gateway.metric('ticker_key_set_age_seconds')).toBeGreaterThan(0)
})
