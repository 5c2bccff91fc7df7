import Fastify from 'fastify'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { refuseExposed } from '../../src/gateway/exposure.ts'
import { addressKey } from '../../src/limits/address-key.ts'

const proxy = '10.0.0.7'
/** What a header may hold (RFC 9110 §5.5), garbage and near misses. */
const values = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 100 }),
  fc
    .array(
      fc.constantFrom('https', 'http', 'wss', 'ws', ',', ' ', 'HTTPS', '10.0.0.7', '::1', '127.0.0.1', ';'),
      {
        maxLength: 6,
      },
    )
    .map(parts => parts.join('')),
)
const headers = fc.record({ 'x-forwarded-proto': values, 'x-forwarded-for': values }, { requiredKeys: [] })
const peers = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom(proxy, '127.0.0.1', '::1', '::ffff:127.0.0.1'))

test('whatever the forwarding headers hold, only loopback and proxies that say https come in unencrypted', async () => {
  const app = Fastify({ trustProxy: [proxy] })
  refuseExposed(app, [proxy])
  app.get('/', request => addressKey(request.ip))
  const property = fc.asyncProperty(peers, headers, async (remoteAddress, forwarded) => {
    const { statusCode } = await app.inject({ url: '/', remoteAddress, headers: forwarded })
    const isLocal = /^(?:::ffff:)?127\.|^::1$/.test(remoteAddress)
    const scheme = (forwarded['x-forwarded-proto'] ?? 'https').split(',', 1)[0]?.trim()
    const isGood = remoteAddress === proxy ? scheme === 'https' || scheme === 'wss' : isLocal

    expect(statusCode).toBe(isGood ? 200 : 403)
  })
  await fc.assert(property, { numRuns: 500 })
  await app.close()
})
