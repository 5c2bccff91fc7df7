import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import { JsonForm } from '../../src/wire/json/json-form.ts'
import { createTickerV1Forms } from '../../src/wire/ticker-v1-forms.ts'
import { type BareStream, startBareStream } from '../support/bare-stream.ts'
import { createTestFeed, defaultLimits } from '../support/defaults.ts'
import { StreamClient } from '../support/stream-client.ts'
import { plainDialect } from './plain-dialect.ts'

const trade = (S: string, p: number): MarketEvent => ({ T: 't', S, p, s: 1, t: '2026-01-02T14:30:00Z' })

const partition = { topic: 'market.trades', partition: 0 }

let stream: BareStream
beforeAll(async () => {
  const feed = createTestFeed({
    createForms: batch => [
      ...createTickerV1Forms(batch),
      new JsonForm({ name: 'plain.json', dialect: plainDialect }),
    ],
  })
  feed.advance({ partition, epoch: 'e', offset: 0 }, 0)
  stream = await startBareStream({}, feed)
})
afterAll(() => stream.stop())

function publish(event: MarketEvent, offset: number): void {
  const { feed } = stream
  feed.add(event, { partition: 0, offset, writtenMs: 0 })
  feed.advance({ partition, epoch: 'e', offset: offset + 1 }, offset)
  feed.flush()
}

test('a session in a dialect with other words goes from its greeting to its end beside one of ticker.v1', async () => {
  const plain = new StreamClient(stream.url, { protocols: ['plain.json'] })
  const ticker = await StreamClient.open(stream.url, 'x')
  await ticker.subscribe({ trades: ['AAPL'] })

  expect(await plain.next()).toEqual({ say: 'hello' })
  plain.send('want AAPL')
  expect(await plain.next()).toMatchObject({ say: 'no', number: 401 })
  plain.send('login x')
  expect(await plain.next()).toEqual({ say: 'welcome', most: defaultLimits.maxItemsPerSession })
  plain.send('{"action":"subscribe","trades":["AAPL"]}')
  expect(await plain.next()).toMatchObject({ say: 'no', number: 400, why: /expected login, want or drop$/ })

  publish(trade('AAPL', 1), 0)
  plain.send('want AAPL MSFT')
  expect(await plain.next()).toEqual({ say: 'noted', to: 'w', trades: ['AAPL', 'MSFT'] })
  expect(await plain.next()).toEqual({ say: 'values', to: 'w', now: [trade('AAPL', 1)], more: false })

  publish(trade('AAPL', 2), 1)
  expect(await plain.next()).toEqual(trade('AAPL', 2))
  stream.sessions.beat()
  plain.webSocket.send(Buffer.from('drop AAPL'))
  expect(await plain.next()).toEqual({ say: 'noted', trades: ['MSFT'] })

  expect(await ticker.takeMany(2)).toEqual([trade('AAPL', 1), trade('AAPL', 2)])
  expect(ticker.coverage.map(({ ranges }) => ranges)).toEqual([[[0, 0, 1]], [[0, 1, 2]]])
  expect(await ticker.heartbeat()).toMatchObject({ T: 'heartbeat', agesMs: { trades: expect.any(Number) } })

  const drained = stream.sessions.drain(0)
  expect(await plain.next()).toEqual({ say: 'leaving' })
  expect(await plain.closed()).toMatchObject({ code: 4000 })
  await drained
  expect(plain.waiting).toBe(0)
})
