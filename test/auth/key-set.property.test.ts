import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KeySet } from '../../src/auth/key-set.ts'
import { KeySetError, longestKeySetBytes } from '../../src/auth/key-set-request.ts'
import { KeyServer } from './key-server.ts'

let server: KeyServer

beforeAll(async () => {
  server = await KeyServer.start()
})
afterAll(() => server.stop())

const key = fc.dictionary(
  fc.constantFrom('kty', 'kid', 'crv', 'x', 'y', 'n', 'e', 'alg', 'use'),
  fc.jsonValue(),
)
const bodies = fc.oneof(
  fc
    .record({ keys: fc.oneof(fc.array(key, { maxLength: 4 }), fc.jsonValue()) })
    .map(set => JSON.stringify(set)),
  fc.json(),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(' '.repeat(longestKeySetBytes + 1), '['.repeat(100_000)),
)
const statuses = fc.oneof(
  { weight: 5, arbitrary: fc.constant(200) },
  fc.constantFrom(204, 301, 302, 404, 500),
)

test('whatever an issuer answers, a token is checked by its keys, or refused with the reason', async () => {
  const property = fc.asyncProperty(statuses, bodies, async (status, body) => {
    server.answer = response =>
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(status === 204 ? undefined : body)
    const set = new KeySet({ url: server.url, maxStaleMs: 60_000, log: { warn: () => undefined } })
    const outcome: unknown = await set.renew(0, { kid: 'unknown' }).catch((error: unknown) => error)
    set.stop()

    if (outcome === true) expect(set.reads).toMatchObject({ read: 1 })
    else expect(outcome).toBeInstanceOf(KeySetError)
    if (status !== 200) expect(set.reads.read).toBe(0)
  })
  await fc.assert(property, { numRuns: 500 })
})
