import { gzipSync, zstdCompressSync } from 'node:zlib'
import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Post, trade } from './publish/post.ts'
import { EventsFixture } from './publish/events-fixture.ts'

let fixture: EventsFixture

beforeAll(async () => {
  fixture = await EventsFixture.open()
})

afterAll(() => fixture.close())

const types = ['application/json', 'application/x-ndjson', 'application/msgpack'] as const
const codings = { identity: (body: Buffer) => body, gzip: gzipSync, zstd: zstdCompressSync } as const

/** Nearly an event: good ones, and ones with a field replaced, missing, or with a strange one beside it. */
const event = fc
  .tuple(
    fc.constant(trade('AAPL', 1)),
    fc.jsonValue(),
    fc.constantFrom('T', 'S', 'p', 't', 'c', 'new', '__proto__', '1'),
  )
  .map(([good, value, field]) => ({ ...good, [field]: value }))
const value = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.oneof(fc.constant(trade('AAPL', 2)), event), { maxLength: 5 }) },
  event,
  fc.jsonValue(),
)
/** A body as it should be, which is then cut, or has a byte replaced. */
const body = fc.tuple(value, fc.constantFrom(...types)).map(([content, type]) => ({
  type,
  bytes: Buffer.from(type === 'application/msgpack' ? encode(content) : JSON.stringify(content)),
}))
const damage = fc.oneof(
  { weight: 3, arbitrary: fc.constant((bytes: Buffer) => bytes) },
  fc.nat().map(at => (bytes: Buffer) => bytes.subarray(0, at % (bytes.length + 1))),
  fc.tuple(fc.nat(), fc.nat(255)).map(([at, byte]) => (bytes: Buffer) => {
    const copy = Buffer.from(bytes)
    copy[at % Math.max(1, copy.length)] = byte
    return copy
  }),
  fc.uint8Array({ maxLength: 200 }).map(bytes => () => Buffer.from(bytes)),
)

test('whatever the body, it is published whole or refused with a reason', async () => {
  const coding = fc.constantFrom('identity', 'gzip', 'zstd')
  await fc.assert(
    fc.asyncProperty(
      body,
      coding,
      fc.tuple(damage, damage),
      async ({ type, bytes }, encoding, [inner, outer]) => {
        const request: Post = { type, encoding, body: outer(codings[encoding](inner(bytes))) }
        const { answer, events } = await fixture.published(request)
        const { status, body: told } = answer

        expect([200, 400, 422]).toContain(status)
        if (status === 200) expect([told.failed, told.events.length]).toEqual([0, events.length])
        else expect([events, typeof told.error]).toEqual([[], 'string'])
      },
    ),
    { numRuns: 500 },
  )
  expect(fixture.gateway.logLines.filter(line => line.includes('"level":50'))).toEqual([])
})

/** Each once ended a process, or could have. */
test.each<[string, Post]>([
  ['deep arrays', { body: '['.repeat(500_000) }],
  ['deep closed arrays', { body: '['.repeat(500_000) + ']'.repeat(500_000) }],
  ['a deep object in a field', { body: `{"T":"t","S":${'{"1":'.repeat(100_000)}0${'}'.repeat(100_001)}` }],
  ['many small objects', { body: `[${'{},'.repeat(340_000)}{}]` }],
  ['many numbers, a line each', { body: '1\n'.repeat(500_000), type: 'application/x-ndjson' }],
  [
    'arrays that announce more than there is',
    { body: Buffer.alloc(1_000_000, Buffer.from([0xdd, 1, 0xf0, 0, 0])), type: 'application/msgpack' },
  ],
  [
    'deep MessagePack',
    { body: Buffer.concat([Buffer.alloc(1_000_000, 0x91), Buffer.from([0])]), type: 'application/msgpack' },
  ],
  ['an own "__proto__"', { body: '{"T":"t","__proto__":{"S":"AAPL"}}' }],
])('is not impressed by %s', async (_, request) => {
  const { status } = await fixture.send(request)

  expect([400, 413, 422]).toContain(status)
})
