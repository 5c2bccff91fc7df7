import Fastify from 'fastify'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { refusePlaintext } from '../../src/app/stream-server.ts'
import { TrustedProxies } from '../../src/app/trusted-proxies.ts'
import { parseAddressRange } from '../../src/system/ip-address.ts'

const proxy = '10.0.0.7'
const pieces = ['"', '[', ']', '::1', 'for=', 'proto=', 'proto=https', '_hidden', ':80']
/** What a header may hold (RFC 9110 §5.5), garbage and near misses. */
const values = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 100 }),
  fc
    .array(fc.constantFrom('https', 'http', 'wss', 'HTTPS', ',', ' ', proxy, '127.0.0.1', ';', ...pieces), {
      maxLength: 6,
    })
    .map(parts => parts.join('')),
)
const names = ['x-forwarded-proto', 'x-forwarded-for', 'forwarded'] as const
const headers = fc.record(
  { [names[0]]: values, [names[1]]: values, [names[2]]: values },
  { requiredKeys: [] },
)
const peers = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom(proxy, '127.0.0.1', '::1', '::ffff:127.0.0.1'))

test('whatever forwarding headers hold, only loopback and https proxies connect unencrypted', async () => {
  const app = Fastify()
  refusePlaintext(app, new TrustedProxies([parseAddressRange(proxy)!]))
  app.get('/', () => '')
  const property = fc.asyncProperty(peers, headers, async (remoteAddress, forwarded) => {
    const { statusCode } = await app.inject({ url: '/', remoteAddress, headers: forwarded })
    const isLocal = /^(?:::ffff:)?127\.|^::1$/.test(remoteAddress)
    const isSaid = /https|wss/i.test(Object.values(forwarded).join())

    if (remoteAddress === proxy) expect([403, isSaid ? 200 : 403]).toContain(statusCode)
    else expect(statusCode).toBe(isLocal ? 200 : 403)
  })
  await fc.assert(property, { numRuns: 500 })
  await app.close()
})
