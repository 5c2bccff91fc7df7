import { gzipSync, zstdCompressSync } from 'node:zlib'
import { encode } from '@msgpack/msgpack'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { news, type Post, quote, trade } from './publish/post.ts'
import { jsonLines } from '../support/json-lines.ts'
import { EventsFixture } from './publish/events-fixture.ts'

let fixture: EventsFixture

beforeAll(async () => {
  fixture = await EventsFixture.open()
})

afterAll(() => fixture.close())

const json = JSON.stringify

describe('a request that is refused publishes nothing', () => {
  const good = trade('AAPL', 7)

  test.each<[string, number, string | RegExp, Post]>([
    [
      'no token',
      401,
      'expected the header Authorization: Bearer TOKEN',
      { token: undefined, body: json(good) },
    ],
    ['a broken token', 401, 'the token was refused: malformed', { token: 'eA.eA.eA', body: json(good) }],
    [
      'another method',
      405,
      'expected POST /v1/events to publish, or GET to receive events',
      { method: 'PUT', body: json(good) },
    ],
    [
      'no type',
      415,
      /^Content-Type: expected one of application\/json/,
      { type: undefined, body: Buffer.from(json(good)) },
    ],
    ['another type', 415, /^Content-Type: expected one of/, { type: 'text/plain', body: json(good) }],
    ['a type that is none', 415, /^Content-Type: expected one of/, { type: 'json', body: json(good) }],
    [
      'another coding',
      415,
      'Content-Encoding: expected gzip, zstd or identity',
      { encoding: 'br', body: json(good) },
    ],
    [
      'two codings',
      415,
      /^Content-Encoding/,
      { encoding: 'gzip, gzip', body: gzipSync(gzipSync(json(good))) },
    ],
    ['no body', 400, 'the body holds no event', {}],
    ['no event', 400, 'the body holds no event', { body: '[]' }],
    ['no line', 400, 'the body holds no event', { body: '\n\n', type: 'application/x-ndjson' }],
    ['half an array', 400, /^the body is not JSON: /, { body: `[${json(good)},` }],
    ['no UTF-8', 400, 'the body is not JSON: expected UTF-8', { body: new Uint8Array([0x22, 0xff, 0x22]) }],
    [
      'a bad line',
      400,
      /^line 3 is not JSON: /,
      { body: `${json(good)}\n\n{\n`, type: 'application/x-ndjson' },
    ],
    [
      'half a map',
      400,
      /^the body is not MessagePack: /,
      { body: encode(good).slice(0, -1), type: 'application/msgpack' },
    ],
    [
      'two maps',
      400,
      /^the body is not MessagePack: /,
      { body: Buffer.concat([encode(good), encode(good)]), type: 'application/msgpack' },
    ],
    [
      'half of a gzip',
      400,
      'the body is not gzip, or not all of it',
      { body: gzipSync(json(good)).subarray(0, -9), encoding: 'gzip' },
    ],
    ['no gzip', 400, 'the body is not gzip, or not all of it', { body: json(good), encoding: 'gzip' }],
    [
      'half of a zstd',
      400,
      'the body is not zstd, or not all of it',
      { body: zstdCompressSync(json(good)).subarray(0, -1), encoding: 'zstd' },
    ],
    [
      'more than a zstd',
      400,
      'the body goes on after its zstd data',
      { body: Buffer.concat([zstdCompressSync(json(good)), Buffer.from('rest')]), encoding: 'zstd' },
    ],
    [
      'a long body',
      413,
      'the body is too long: expected at most 1048576 bytes, decompressed',
      { body: ' '.repeat(1_048_577) },
    ],
    [
      'a long body of unknown length',
      413,
      /^the body is too long/,
      { body: new Blob([' '.repeat(1_048_577)]).stream() },
    ],
    [
      'a body that is long when decompressed',
      413,
      /^the body is too long/,
      { body: gzipSync(' '.repeat(1_048_577)), encoding: 'gzip' },
    ],
    [
      'many events',
      413,
      'too many events: expected at most 1000 a request',
      { body: json(Array.from({ length: 1001 }, () => good)) },
    ],
    [
      'many lines',
      413,
      'too many events: expected at most 1000 a request',
      { body: jsonLines(Array.from({ length: 1001 }, () => good)), type: 'application/x-ndjson' },
    ],
    ['a number', 422, 'nothing was published: 1 of 1 events are not valid', { body: '5' }],
  ])('%s: %i', async (_, status, error, request) => {
    const { answer, events } = await fixture.published(request)

    expect([answer.status, answer.body.error]).toEqual([
      status,
      typeof error === 'string' ? error : expect.stringMatching(error),
    ])
    expect(events).toEqual([])
  })

  test('names the events that are not valid, the first twenty of them', async () => {
    const bad = Array.from({ length: 25 }, () => ({ ...good, p: 'x' }))
    const { answer, events } = await fixture.published({ body: json([good, ...bad, quote('AAPL')]) })

    expect([answer.status, answer.body]).toEqual([
      422,
      {
        error: 'nothing was published: 25 of 27 events are not valid',
        total: 25,
        events: Array.from({ length: 20 }, (_, index) => ({
          index: index + 1,
          error: 't.p="x": expected a number between -(2^53 - 1) and 2^53 - 1',
        })),
      },
    ])
    expect(events).toEqual([])
  })

  test('measures an event as it would lie in the log', async () => {
    const long = { ...news([]), summary: '\u0001'.repeat(50_000) }
    const { answer, events } = await fixture.published({
      body: encode([good, long]),
      type: 'application/msgpack',
    })

    expect([answer.status, answer.body.events]).toEqual([
      422,
      [{ index: 1, error: 'too long: expected at most 262144 bytes as JSON' }],
    ])
    expect(events).toEqual([])
  })

  test.each<[string, object, string]>([
    ['a symbol', { symbols: ['AAPL'] }, 'trades/MSFT'],
    ['a channel', { channels: ['quotes'] }, 'trades/MSFT'],
  ])('a token that lacks %s: 403', async (_, entitled, item) => {
    const narrow = await fixture.gateway.token({ scopes: ['publish'], ...entitled })
    const { answer, events } = await fixture.published({
      token: narrow,
      body: json([quote('AAPL'), trade('MSFT', 8)]),
    })

    expect([answer.status, answer.body]).toEqual([
      403,
      {
        error: 'nothing was published: 1 of 2 events are not entitled to',
        total: 1,
        events: [{ index: 1, error: `${item}: the token does not allow it` }],
      },
    ])
    expect(events).toEqual([])
  })

  test('a token without the scope: 403', async () => {
    const { answer, events } = await fixture.published({
      token: await fixture.gateway.token(),
      body: json(good),
    })

    expect([answer.status, answer.body]).toEqual([403, { error: 'the token lacks the scope "publish"' }])
    expect(events).toEqual([])
  })
})

describe('the answer to a wrong request says how to do better:', () => {
  test('which methods there are', async () => {
    const methods = 'GET, HEAD, POST, OPTIONS'
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const { status, headers } = await fixture.send({ method, type: undefined })
      expect([method, status, headers.get('allow')]).toEqual([method, 405, methods])
    }
  })

  test('which types and codings there are, and how to authenticate', async () => {
    const types = await fixture.send({ type: 'text/csv', body: 'x' })
    expect(types.headers.get('accept-post')).toBe(
      'application/json, application/x-ndjson, application/msgpack',
    )
    const codings = await fixture.send({ encoding: 'br', body: 'x' })
    expect(codings.headers.get('accept-encoding')).toBe('gzip, zstd, identity')
    const authentication = await fixture.send({ token: undefined, body: 'x' })
    expect(authentication.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('a page of another origin is offered nothing', async () => {
    const { headers } = await fixture.send({ body: json(trade('AAPL', 9)) })
    expect([...headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([])
  })
})
