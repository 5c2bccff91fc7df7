import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { BareIntake, appendedAt, received, statuses, wire } from './bare-intake.ts'
import { trade } from './post.ts'

const json = JSON.stringify
const trades = (symbol: string, count: number): string =>
  json(Array.from({ length: count }, (_, index) => trade(symbol, index)))

describe('the answer of the log', () => {
  test('is reported event by event, failures with a count and without internal details', async () => {
    const bare = await BareIntake.start()
    const answering = bare.post({ body: trades('AAPL', 3) })
    const append = await bare.appended()
    append.answer([...appendedAt(1, 7), { fault: 'unsent' }, { fault: 'unconfirmed' }])
    const answer = await answering

    expect([answer.status, answer.body]).toEqual([
      200,
      {
        events: [
          { topic: 'market.trades', partition: 0, epoch: 'epoch', position: 7 },
          { error: 'not published: the log did not take it; publish it again' },
          {
            error:
              'not confirmed: the log did not answer, and may have it; published again, it may be there twice',
          },
        ],
        failed: 2,
      },
    ])
    expect(bare.intake.counts).toMatchObject({
      published: 1,
      refused: { unsent: 1, unconfirmed: 1 },
      pending: 0,
    })
  })

  test('is 503 if no event was published', async () => {
    const bare = await BareIntake.start()
    const answering = bare.post({ body: trades('AAPL', 2) })
    const append = await bare.appended()
    append.answer([{ fault: 'unsent' }, { fault: 'unsent' }])
    const { status, headers, body } = await answering

    expect([status, headers.get('retry-after'), body.failed]).toEqual([503, '5', 2])
    expect(body.error).toBe('no event was confirmed as published; see "events"')
    expect(body.events).toHaveLength(2)
  })

  test('is 422 where the sender has to mend every event, and 503 where the operator has to act', async () => {
    const bare = await BareIntake.start()
    const refused = bare.post({ body: trades('AAPL', 2) })
    const first = await bare.appended()
    first.answer([{ fault: 'oversize' }, { fault: 'rejected' }])
    const { status, body } = await refused
    const forbidden = bare.post({ body: trades('AAPL', 1) })
    const second = await bare.appended()
    second.answer([{ fault: 'forbidden' }])
    const operators = await forbidden

    expect([status, body]).toEqual([
      422,
      {
        error: 'nothing was published: the log refused 2 of 2 events',
        total: 2,
        events: [
          { index: 0, error: expect.stringMatching(/^not published: .*max\.message\.bytes/) },
          { index: 1, error: expect.stringMatching(/^not published: .*refused again$/) },
        ],
      },
    ])
    expect([operators.status, operators.body.events]).toEqual([
      503,
      [{ error: expect.stringMatching(/^not published: .*ACL Write/) }],
    ])
    expect(bare.intake.counts.refused).toMatchObject({ oversize: 1, rejected: 1, forbidden: 1 })
  })

  test('that is unexpected is 500, logged, and not disclosed', async () => {
    const bare = await BareIntake.start()
    const answering = bare.post({ body: trades('AAPL', 1) })
    const append = await bare.appended()
    append.fail(new Error('secret of ours'))
    const { status, body } = await answering

    expect([status, body]).toEqual([500, { error: 'internal error' }])
    expect(bare.logLines.join('')).toContain('secret of ours')
    expect(bare.intake.counts).toMatchObject({ requests: { 500: 1 }, pending: 0 })
  })
})

describe('a limit that is reached is answered with the time to try again:', () => {
  test('events that wait for the log', async () => {
    const bare = await BareIntake.start({ maxPending: 10 })
    const first = bare.post({ body: trades('AAPL', 8) })
    const waiting = await bare.appended()
    const refused = await bare.post({ body: trades('AAPL', 3) })
    const small = bare.post({ body: trades('AAPL', 2) })
    const second = await bare.appended()

    expect([refused.status, refused.headers.get('retry-after'), refused.body.error]).toEqual([
      503,
      '1',
      'too many events wait to be published; try again',
    ])
    expect(bare.intake.counts).toMatchObject({ pending: 10, refused: { pending: 3 } })
    waiting.answer(appendedAt(8))
    second.answer(appendedAt(2))
    expect([(await first).status, (await small).status, bare.intake.counts.pending]).toEqual([200, 200, 0])
  })

  test('a single request may bring more where none waits', async () => {
    const bare = await BareIntake.start({ maxPending: 1 })
    const answering = bare.post({ body: trades('AAPL', 5) })
    const append = await bare.appended()
    append.answer(appendedAt(5))

    expect((await answering).status).toBe(200)
  })

  test('events a second, for each user', async () => {
    const bare = await BareIntake.start({ eventsPerSecond: 4 })
    const publish = async (token: string, count: number): Promise<number> => {
      const answering = bare.post({ token, body: trades('AAPL', count) })
      const append = bare.appended().then(({ events, answer }) => answer(appendedAt(events.length)))
      await Promise.race([answering, append])
      return (await answering).status
    }

    expect(await publish('ann', 3)).toBe(200)
    const refused = await bare.post({ token: 'ann', body: trades('AAPL', 3) })
    expect([refused.status, refused.headers.get('retry-after'), refused.body.error]).toEqual([
      429,
      '1',
      'too many events a second; try again',
    ])
    const bob = bare.post({ token: 'bob', body: trades('AAPL', 3) })
    const append = await bare.appended()
    append.answer(appendedAt(3))
    expect((await bob).status).toBe(200)
    expect(bare.intake.counts).toMatchObject({ published: 6, refused: { rate: 3 } })
  })

  test('events refused for the load of others cost their sender nothing', async () => {
    const bare = await BareIntake.start({ eventsPerSecond: 4, maxPending: 1 })
    const first = bare.post({ token: 'bob', body: trades('AAPL', 1) })
    const waiting = await bare.appended()
    const refused = await bare.post({ body: trades('AAPL', 4) })
    waiting.answer(appendedAt(1))
    await first
    const again = bare.post({ body: trades('AAPL', 4) })
    const append = await bare.appended()
    append.answer(appendedAt(4))

    expect([refused.status, (await again).status]).toEqual([503, 200])
  })

  test('bodies of all requests together', async () => {
    const bare = await BareIntake.start({ maxBytes: 48 * 1_048_576 })
    const socket = await bare.connect()
    socket.write(
      wire('')
        .toString()
        .replace('Content-Length: 0', `Content-Length: ${48 * 1_048_576}`),
    )
    // A body of unknown length counts as the longest. One without an event is refused as soon as it was read.
    const next = () => bare.post({ token: 'bob', body: new Blob(['[]']).stream() })
    await expect.poll(async () => (await next()).status).toBe(503)
    const refused = await next()

    expect([refused.status, refused.headers.get('retry-after'), refused.body.error]).toEqual([
      503,
      '1',
      'too many requests are under way; try again',
    ])
  })

  test('bodies of one user, while others go on', async () => {
    const bare = await BareIntake.start({ maxBytes: 16 * 1_048_576 })
    const socket = await bare.connect()
    socket.write(
      wire('')
        .toString()
        .replace('Content-Length: 0', `Content-Length: ${16 * 1_048_576}`),
    )
    await expect.poll(async () => (await bare.post({ body: '[]' })).status).toBe(429)
    const refused = await bare.post({ body: '[]' })

    expect([refused.headers.get('retry-after'), refused.body.error]).toEqual([
      '1',
      'too many requests of this user are under way; try again',
    ])
    expect((await bare.post({ token: 'bob', body: '[]' })).status).toBe(400)
  })

  test('a node that is leaving, or still reading', async () => {
    const bare = await BareIntake.start()
    bare.isReady = false
    const { status, headers, body } = await bare.post({ body: trades('AAPL', 1) })

    expect([status, headers.get('retry-after'), body.error]).toEqual([
      503,
      '1',
      'not ready: still reading the log, or leaving; try again',
    ])
  })
})

describe('a connection', () => {
  test('has its pipelined requests published in order, whichever can be read first', async () => {
    const bare = await BareIntake.start()
    const socket = await bare.connect()
    const events = Array.from({ length: 900 }, (_, index) => trade('AAPL', index))
    const zipped = gzipSync(json(events.slice(0, 800)))
    socket.write(
      Buffer.concat([
        wire(zipped, ['Content-Encoding: gzip']),
        wire('{'),
        ...events.slice(800).map(event => wire(json(event))),
      ]),
    )
    const seen: unknown[] = []
    while (seen.length < 900) {
      const append = await bare.appended()
      seen.push(...append.events)
      append.answer(appendedAt(append.events.length))
    }

    expect(seen).toEqual(events)
    expect(await statuses(socket, 102)).toEqual(['200', '400', ...Array.from({ length: 100 }, () => '200')])
  })

  test('that ends before its body is whole publishes nothing', async () => {
    const bare = await BareIntake.start()
    const socket = await bare.connect()
    const body = trades('AAPL', 100)
    socket.write(wire(body).subarray(0, -1))
    socket.destroy()
    await expect.poll(() => bare.intake.counts.requests.aborted).toBe(1)

    expect(bare.intake.counts).toMatchObject({ published: 0, pending: 0 })
  })

  test('that is too slow gets an error and is ended', async () => {
    const bare = await BareIntake.start({ bodyTimeoutMs: 50 })
    const socket = await bare.connect()
    const ended = once(socket, 'close')
    socket.write(wire(trades('AAPL', 1)).subarray(0, -1))

    expect(await received(socket, /whole/)).toMatch(
      /^HTTP\/1\.1 408 [^]*connection: close[^]*"the body was not whole after 50 ms"/i,
    )
    await ended
  })

  test('that goes on sending after a refusal is ended after a while', async () => {
    const bare = await BareIntake.start({ bodyTimeoutMs: 50 })
    const socket = await bare.connect()
    const ended = once(socket, 'close')
    socket.write('POST /v1/events HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000000000\r\n\r\n')

    expect(await received(socket, /TOKEN/)).toMatch(/^HTTP\/1\.1 401 /)
    await ended
  })

  test('goes on after a body that was refused', async () => {
    const bare = await BareIntake.start({ maxBytes: 1024 })
    const socket = await bare.connect()
    socket.write(Buffer.concat([wire(' '.repeat(100_000)), wire('{')]))

    expect(await statuses(socket, 2)).toEqual(['413', '400'])
  })
})

describe('the end', () => {
  test('waits for the answers to what was taken', async () => {
    const bare = await BareIntake.start()
    const answering = bare.post({ body: trades('AAPL', 1) })
    const append = await bare.appended()
    const order: string[] = []
    const drained = bare.intake.drain(60_000).then(() => order.push('drained'))
    order.push('answered')
    append.answer(appendedAt(1))
    expect((await answering).status).toBe(200)
    await drained

    expect(order).toEqual(['answered', 'drained'])
  })

  test('waits no longer than its limit', async () => {
    const bare = await BareIntake.start()
    const answering = bare.post({ body: trades('AAPL', 1) })
    const append = await bare.appended()

    await bare.intake.drain(0)

    append.answer(appendedAt(1))
    expect((await answering).status).toBe(200)
    await bare.intake.drain(60_000)
  })
})
