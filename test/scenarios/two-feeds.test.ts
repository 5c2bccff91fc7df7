import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../src/config/config-reader.ts'
import { openLog, type OpenLog } from '../../src/app/open-log.ts'
import type { Trade } from '../../src/event/event.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'

let gateway: TestGateway
let log: OpenLog

beforeAll(async () => {
  gateway = await startTestGateway({ TICKER_FEEDS: 'live,second' })
  log = openLog(readConfig(gateway.env), { warn: () => undefined })
})

afterAll(async () => {
  await log.events.close()
  await gateway.stop()
})

const trade = (price: number): Trade => ({ T: 't', S: 'AAPL', p: price, s: 1, t: '2026-01-02T14:30:00Z' })

async function open(path: string): Promise<StreamClient> {
  return await StreamClient.open(`${gateway.streamUrl}${path}`, await gateway.token())
}

test('two clients get every event, each from the feed that it asked for', async () => {
  const live = await open('')
  const second = await open('/second')
  await live.subscribe({ trades: ['AAPL'] })
  await second.subscribe({ trades: ['AAPL'] })
  await log.events.append([trade(1)])
  expect(await live.take('t')).toMatchObject(trade(1))
  expect(await second.take('t')).toMatchObject(trade(1))
  expect(await gateway.metric('ticker_sessions{feed="live",state="live"}')).toBe(1)
  expect(await gateway.metric('ticker_sessions{feed="second",state="live"}')).toBe(1)
  await Promise.all([live.close(), second.close()])
})
