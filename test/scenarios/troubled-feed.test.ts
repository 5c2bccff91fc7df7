import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type Gateway, startGateway } from '../../src/app/gateway.ts'
import { openLog } from '../../src/app/open-log.ts'
import { readConfig } from '../../src/config/config-reader.ts'
import type { MarketEvent } from '../../src/event/event.ts'
import { mintTestToken, readMetric } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'

/** Prepares what the first feed reads that reads a symbol, and never what the second one does. */
const decoderOf = (symbol: string): string => `
let calls = 0
const isStuck = records => records.some(({ value }) => value.includes('${symbol}')) && ++calls > 1
export const prepare = records => isStuck(records) ? new Promise(() => {}) : undefined
export const decode = ({ value }) => JSON.parse(value)
`

const tradeOf = (symbol: string): MarketEvent => ({
  T: 't',
  S: symbol,
  p: 1,
  s: 1,
  t: '2026-01-02T14:30:00Z',
})

/** A gateway of two feeds, one of which waits for its decoder for ever once it reads the symbol. */
async function start(symbol: string) {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'decoder.mjs'), decoderOf(symbol))
  const config = readConfig({
    TICKER_MODE: 'development',
    TICKER_FEEDS: 'live,second',
    TICKER_PORT: '0',
    TICKER_OPS_PORT: '0',
    TICKER_DRAIN_MS: '0',
    TICKER_DEMO: 'off',
    TICKER_HEARTBEAT_MS: '1000',
    TICKER_DECODER: join(folder, 'decoder.mjs'),
    TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite'),
  })
  const log = openLog(config, { warn: () => undefined }).events
  onTestFinished(() => log.close())
  await log.append([tradeOf('AAPL')])
  const gateway = await startGateway(config, { logStream: { write: () => undefined } })
  onTestFinished(() => gateway.stop())
  return { gateway, log }
}

async function open(gateway: Gateway, feed: string): Promise<StreamClient> {
  const url = `${gateway.url.replace('http', 'ws')}/v1/stream/${feed}`
  const client = await StreamClient.open(url, await mintTestToken())
  onTestFinished(() => client.close())
  return client
}

const readiness = async ({ operationsUrl }: Gateway): Promise<unknown[]> => {
  const response = await fetch(`${operationsUrl}/readyz`)
  return [response.status, await response.json()]
}

test('while one feed is not ready, the node is not, but clients of the other feed are served', async () => {
  const { gateway } = await start('AAPL')
  const askStream = (feed: string) => fetch(`${gateway.url}/v1/stream/${feed}`)
  // 426: only an upgrade is missing.
  const statuses = async (): Promise<number[]> =>
    Promise.all(['live', 'second'].map(async feed => (await askStream(feed)).status))
  await vi.waitUntil(async () => (await statuses()).includes(426), { timeout: 30_000 })
  const [ready, stuck] = (await statuses())[0] === 426 ? ['live', 'second'] : ['second', 'live']

  const reason = expect.stringMatching(`^feed ${stuck}: 1 partitions are still being read`)
  expect(await readiness(gateway)).toEqual([503, { status: 'not ready', reason }])
  const refused = await askStream(stuck)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  const client = await open(gateway, ready)
  await client.subscribe({ trades: ['AAPL'], snapshot: true })
  expect(await client.take('snapshot')).toMatchObject({ events: [{ p: 1 }] })
})

test('an outage is of the feed that has it: heartbeats, health and metrics say which', async () => {
  const { gateway, log } = await start('STOP')
  await gateway.ready
  const clients = { live: await open(gateway, 'live'), second: await open(gateway, 'second') }
  await log.append([tradeOf('STOP')])
  const outages = async () => {
    const [, { outages: found = [] }] = (await readiness(gateway)) as [number, { outages?: object[] }]
    return found as { readonly feed: 'live' | 'second' }[]
  }
  await vi.waitUntil(async () => (await outages()).length > 0, { timeout: 30_000 })

  const [outage] = await outages()
  const stuck = outage!.feed
  const reading = stuck === 'live' ? 'second' : 'live'
  const described = { feed: stuck, source: 'decoding', since: expect.any(String), reason: expect.any(String) }
  expect(await readiness(gateway)).toEqual([200, { status: 'ready', outages: [described] }])
  await expect.poll(() => clients[stuck].heartbeat()).toMatchObject({ lag: null, source: 'decoding' })
  expect(await clients[reading].heartbeat()).not.toHaveProperty('source')
  const seconds = (feed: string) =>
    readMetric(`${gateway.operationsUrl}/metrics`, `ticker_outage_seconds{feed="${feed}",source="decoding"}`)
  expect(await seconds(stuck)).toBeGreaterThan(4)
  expect(await seconds(reading)).toBe(0)
})
