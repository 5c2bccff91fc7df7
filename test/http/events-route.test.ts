import { readFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { encode } from '@msgpack/msgpack'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refusalStatuses } from '../../src/http/answer.ts'
import { StreamClient } from '../support/stream-client.ts'
import { mark, readAt, readSince } from './publish/log-reading.ts'
import { type AnsweredBody, type Post, quote, trade } from './publish/post.ts'
import { jsonLines } from '../support/json-lines.ts'
import { EventsFixture } from './publish/events-fixture.ts'

let fixture: EventsFixture

beforeAll(async () => {
  fixture = await EventsFixture.open()
})

afterAll(() => fixture.close())

const json = JSON.stringify

describe('POST /v1/events', () => {
  const two = [trade('AAPL', 1), trade('MSFT', 2)]
  const packed = encode(two)

  test.each<[string, Post]>([
    ['a JSON array', { body: json(two) }],
    [
      'JSON with a charset and a byte order mark',
      { body: `\uFEFF${json(two)}`, type: 'Application/JSON; charset=utf-8' },
    ],
    ['one event a line', { body: jsonLines(two), type: 'application/x-ndjson' }],
    [
      'lines with empty ones between and no end',
      { body: `\r\n${json(two[0])}\r\n\n \n${json(two[1])}`, type: 'application/x-ndjson' },
    ],
    ['a MessagePack array', { body: packed, type: 'application/msgpack' }],
    ['MessagePack by its older name', { body: packed, type: 'application/x-msgpack' }],
    ['gzip', { body: gzipSync(json(two)), encoding: 'gzip' }],
    ['gzip by its older name', { body: gzipSync(json(two)), encoding: 'X-GZip' }],
    ['zstd', { body: zstdCompressSync(json(two)), encoding: 'zstd' }],
    [
      'MessagePack in zstd',
      { body: zstdCompressSync(packed), encoding: 'zstd', type: 'application/msgpack' },
    ],
    ['identity', { body: json(two), encoding: 'identity' }],
    ['chunks of a body of unknown length', { body: new Blob([json(two)]).stream() }],
  ])('takes %s', async (_, request) => {
    const { answer, events } = await fixture.published(request)

    expect([answer.status, answer.body]).toEqual([
      200,
      {
        events: two.map(() => ({
          topic: 'market.trades',
          partition: 0,
          epoch: expect.any(String),
          position: expect.any(Number),
        })),
        failed: 0,
      },
    ])
    expect(events).toEqual(two)
  })

  test.each<[string, Post]>([
    ['JSON', { body: json(trade('AAPL', 3)) }],
    ['NDJSON', { body: json(trade('AAPL', 3)), type: 'application/x-ndjson' }],
    ['MessagePack', { body: encode(trade('AAPL', 3)), type: 'application/msgpack' }],
  ])('takes a single event in %s', async (_, request) => {
    const { answer, events } = await fixture.published(request)

    expect([answer.status, events]).toEqual([200, [trade('AAPL', 3)]])
  })

  test('answers where each event lies, in order, across topics', async () => {
    const events = [quote('AAPL'), trade('AAPL', 4), quote('MSFT')]
    const { body } = await fixture.send({ body: json(events) })

    expect(await Promise.all(body.events.map(place => readAt(fixture.log, place)))).toEqual(events)
  })

  test('reaches whoever is subscribed', async () => {
    const client = await StreamClient.open(fixture.gateway.streamUrl, await fixture.gateway.token())
    await client.subscribe({ trades: ['LIVE'] })
    await fixture.send({ body: json([trade('OTHER', 1), trade('LIVE', 1), trade('LIVE', 2)]) })

    expect(await client.takeMany(2)).toEqual([trade('LIVE', 1), trade('LIVE', 2)])
    await client.close()
  })

  test('drops fields that the schema does not know, and names them', async () => {
    const { answer, events } = await fixture.published({
      body: json([
        { ...trade('AAPL', 5), x: null },
        { ...trade('AAPL', 6), price: 1, volume: 2 },
      ]),
    })

    expect(answer.body.warnings).toEqual([{ index: 1, unknown: ['price', 'volume'] }])
    expect(events).toEqual([trade('AAPL', 5), trade('AAPL', 6)])
  })

  test('keeps the order of each symbol of a connection under many requests at once', async () => {
    const connections = Array.from({ length: 10 }, (_, connection) => `C${connection}`)
    const since = await mark(fixture.log)
    const counts = connections.map(async symbol => {
      let confirmed = 0
      for (let request = 0; request < 50; request++) {
        const events = Array.from({ length: 10 }, (_, index) => trade(symbol, request * 10 + index))
        const { body } = await fixture.send({ body: json(events) })
        confirmed += body.events.length - body.failed
      }
      return confirmed
    })

    expect(await Promise.all(counts)).toEqual(connections.map(() => 500))
    const events = await readSince(fixture.log, since)
    expect(events.length).toBe(5000)
    for (const symbol of connections) {
      const numbers = events.flatMap(event => (event.T === 't' && event.S === symbol ? [event.i] : []))
      expect(numbers).toEqual(Array.from({ length: 500 }, (_, index) => index))
    }
  })
})

describe('PROTOCOL.md §9', () => {
  const protocol = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8')
  const [, rest = ''] = protocol.split('### Publishing')
  const [section = ''] = rest.split('\n## ')
  /** The indented JSON that follows some words. */
  const example = (pattern: RegExp): string =>
    (pattern.exec(section)?.[1] ?? '').replaceAll('…', '').replaceAll(/^ {4}/gm, '')

  test('its request is answered as documented', async () => {
    const answered = JSON.parse(example(/^ {4}(\{"events":[^]*?)\n\n/m)) as AnsweredBody
    const request = example(/json\n\n {4}(\[[^]*?\])\n\n/)
    const { status, body } = await fixture.send({ body: request })

    expect([status, body.warnings]).toEqual([200, answered.warnings])
    expect(Object.keys(body)).toEqual(Object.keys(answered))
    expect(Object.keys(body.events[0]!)).toEqual(Object.keys(answered.events[0]!))
  })

  test('its bad event is refused as documented', async () => {
    const refused: unknown = JSON.parse(example(/^ {4}(\{"error":[^]*?)\n\n/m))
    const good = trade('AAPL', 1)
    const { status, body } = await fixture.send({ body: json([good, good, good, { ...good, p: 'x' }]) })

    expect([status, body]).toEqual([422, refused])
  })

  test('names every status', () => {
    const statuses = [...section.matchAll(/^\| (\d+) \|/gm)].map(([, status]) => Number(status))

    expect(statuses).toEqual(refusalStatuses.filter(status => status !== 500))
  })
})
