import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startGateway } from '../../src/app/gateway.ts'
import { openLog } from '../../src/app/open-log.ts'
import { readConfig } from '../../src/config/config-reader.ts'
import { mintTestToken } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Prepares the records of the feed that comes first, and never those of the other one. */
const decoder = `
let calls = 0
export const prepare = () => ++calls === 1 ? undefined : new Promise(() => {})
export const decode = ({ value }) => JSON.parse(value)
`

/** A gateway of two feeds, one of which waits for its decoder for ever. */
async function startStuckGateway() {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'decoder.mjs'), decoder)
  const config = readConfig({
    TICKER_MODE: 'development',
    TICKER_FEEDS: 'live,second',
    TICKER_PORT: '0',
    TICKER_OPS_PORT: '0',
    TICKER_DRAIN_MS: '0',
    TICKER_DEMO: 'off',
    TICKER_DECODER: join(folder, 'decoder.mjs'),
    TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite'),
  })
  const log = openLog(config, { warn: () => undefined }).events
  await log.append([{ T: 't', S: 'AAPL', p: 1, s: 1, t: '2026-01-02T14:30:00Z' }])
  await log.close()
  const gateway = await startGateway(config, { logStream: { write: () => undefined } })
  onTestFinished(() => gateway.stop())
  return gateway
}

test('while one feed is not ready, the node is not, but clients of the other feed are served', async () => {
  const gateway = await startStuckGateway()
  const askStream = (feed: string) => fetch(`${gateway.url}/v1/stream/${feed}`)
  // 426: only an upgrade is missing.
  const statuses = async (): Promise<number[]> =>
    Promise.all(['live', 'second'].map(async feed => (await askStream(feed)).status))
  await waitUntil(async () => (await statuses()).includes(426), 'a feed that is ready')
  const [ready, stuck] = (await statuses())[0] === 426 ? ['live', 'second'] : ['second', 'live']

  const readiness = await fetch(`${gateway.operationsUrl}/readyz`)
  expect([readiness.status, await readiness.json()]).toEqual([
    503,
    {
      status: 'not ready',
      reason: expect.stringMatching(`^feed ${stuck}: 1 partitions are still being read`),
    },
  ])
  const refused = await askStream(stuck)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  const url = `${gateway.url.replace('http', 'ws')}/v1/stream/${ready}`
  const client = await StreamClient.open(url, await mintTestToken())
  await client.subscribe({ trades: ['AAPL'], snapshot: true })
  expect(await client.take('snapshot')).toMatchObject({ events: [{ p: 1 }] })
  await client.close()
})
