import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../src/config/config-reader.ts'
import { startGateway } from '../../src/app/gateway.ts'
import { createEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { defaultTopics } from '../../src/log/topics.ts'
import { startProxiedCluster } from '../long/kafka-faults/gateway-listener.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Message, StreamClient } from '../support/stream-client.ts'
import { createTopics, kafkaVariables } from '../support/topics.ts'

const trade = { T: 't', S: 'AAPL', p: 1, s: 1, t: '2026-01-02T14:30:00Z' } as const

async function open(gateway: TestGateway): Promise<StreamClient> {
  const client = await StreamClient.open(gateway.streamUrl, await gateway.token())
  onTestFinished(() => client.webSocket.terminate())
  return client
}

async function readiness(operationsUrl: string): Promise<[number, Record<string, unknown>]> {
  const response = await fetch(`${operationsUrl}/readyz`)
  return [response.status, (await response.json()) as Record<string, unknown>]
}

/** The first heartbeat that passes, and how long after the call it came. */
async function heartbeatWhere(client: StreamClient, passes: (beat: Message) => boolean) {
  const startMs = performance.now()
  for (;;) {
    const beat = await client.heartbeat()
    if (passes(beat)) return { beat, ms: performance.now() - startMs }
  }
}

// Cause: how far the node lay behind was taken from the last answer of Kafka, whenever that was.
// Symptom: while Kafka was away, heartbeats said `lag: 0` and `/readyz` was green without a word: a quiet
// market.
// Seen: a broker that was killed, and one behind a network that swallowed everything.
test('a node without Kafka says so in heartbeats, health and metrics until it reads again', async () => {
  const kafka = await startProxiedCluster(1)
  onTestFinished(() => kafka.stop(), 60_000)
  const topics = await createTopics(kafka.brokers)
  const gateway = await startTestGateway(kafkaVariables(kafka.gatewayBrokers, topics))
  onTestFinished(() => gateway.stop())
  const client = await open(gateway)
  const faces = {
    frozen: [() => kafka.proxies[0]?.freeze(), () => kafka.proxies[0]?.resume()],
    killed: [() => kafka.nodes[0]?.kill(), () => kafka.nodes[0]?.restart()],
  } as const
  for (const [lose, find] of Object.values(faces)) {
    expect((await heartbeatWhere(client, ({ lag }) => lag === 0)).beat).not.toHaveProperty('source')
    const beforeMs = Date.now()
    await lose()
    const { beat, ms } = await heartbeatWhere(client, ({ lag }) => lag !== 0)
    expect(beat).toMatchObject({ lag: null, source: 'unreachable' })
    expect(Math.abs(Date.parse(String(beat['since'])) - beforeMs)).toBeLessThan(2000)
    expect(ms).toBeLessThan(15_000)
    const [status, body] = await readiness(gateway.operationsUrl)
    expect([status, body['status'], body['source']]).toEqual([200, 'ready', 'unreachable'])
    expect(await gateway.metric('ticker_outage_seconds{feed="live",source="unreachable"}')).toBeGreaterThan(4)
    await find()
  }
  await heartbeatWhere(client, ({ lag }) => lag === 0)
  expect(await readiness(gateway.operationsUrl)).toEqual([200, { status: 'ready' }])
  expect(await gateway.metric('ticker_outage_seconds{feed="live",source="unreachable"}')).toBe(0)
}, 240_000)

/** A decoder module whose `prepare` does something until a file exists, and `decode` cannot without. */
async function decoderUntil(what: 'hangs' | 'fails'): Promise<{ path: string; allow: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-decoder-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const [path, allowed] = [join(folder, 'decoder.mjs'), join(folder, 'allowed')]
  const waiting = {
    hangs: 'while (!existsSync(allowed)) await new Promise(resolve => setTimeout(resolve, 20))',
    fails: "if (!existsSync(allowed)) throw new Error('the registry is away')",
  }[what]
  await writeFile(
    path,
    `import { existsSync } from 'node:fs'
    const allowed = ${JSON.stringify(allowed)}
    export async function prepare() { ${waiting} }
    export function decode({ value }) {
      if (!existsSync(allowed)) throw new Error('no schema')
      return JSON.parse(value)
    }`,
  )
  return { path, allow: () => writeFile(allowed, '') }
}

test('a node whose decoder module holds what was read says so, until it goes on', async () => {
  const { path, allow } = await decoderUntil('hangs')
  const gateway = await startTestGateway({ TICKER_DECODER: path })
  onTestFinished(() => gateway.stop())
  const client = await open(gateway)
  await client.subscribe({ trades: ['*'] })
  const log = createEmbeddedLog({
    path: gateway.env['TICKER_EMBEDDED_PATH'] ?? '',
    topics: defaultTopics,
    logger: { warn: () => undefined },
  })
  await log.append([trade])
  await log.close()
  const { beat, ms } = await heartbeatWhere(client, ({ lag }) => lag !== 0)
  expect(beat).toMatchObject({ lag: null, source: 'decoding' })
  expect(ms).toBeLessThan(15_000)
  expect(await readiness(gateway.operationsUrl)).toMatchObject([200, { source: 'decoding' }])
  expect(await gateway.metric('ticker_outage_seconds{feed="live",source="decoding"}')).toBeGreaterThan(4)
  await allow()
  expect(await client.take('t')).toMatchObject({ S: 'AAPL' })
  await heartbeatWhere(client, ({ lag }) => lag === 0)
}, 60_000)

// Cause: what a decoder module could not prepare was decoded all the same, also what lay in the log at start.
// Symptom: with the schema registry away for a moment at start, everything that was looked back to was
// poison, and the node ready.
// Seen: a module that fetches schemas, started before its registry.
test('a node is not ready, and reads nothing, until its decoder module is prepared', async () => {
  const { path, allow } = await decoderUntil('fails')
  const folder = await mkdtemp(join(tmpdir(), 'ticker-'))
  const embedded = join(folder, 'log.sqlite')
  const log = createEmbeddedLog({ path: embedded, topics: defaultTopics, logger: { warn: () => undefined } })
  await log.append([trade])
  await log.close()
  const env = { TICKER_MODE: 'development', TICKER_DEMO: 'off', TICKER_PORT: '0', TICKER_OPS_PORT: '0' }
  const config = readConfig({ ...env, TICKER_EMBEDDED_PATH: embedded, TICKER_DECODER: path })
  const gateway = await startGateway(config, { logStream: { write: () => undefined } })
  onTestFinished(async () => {
    await gateway.stop()
    await rm(folder, { recursive: true })
  })
  await expect
    .poll(() => readiness(gateway.operationsUrl ?? ''))
    .toMatchObject([503, { reason: expect.stringContaining('the registry is away') }])
  await allow()
  await gateway.ready
  expect(await readiness(gateway.operationsUrl ?? '')).toEqual([200, { status: 'ready' }])
  const metrics = await (await fetch(`${gateway.operationsUrl}/metrics`)).text()
  expect(metrics).toContain('ticker_poison_records_total{feed="live",reason="decoder"} 0')
  expect(metrics).toContain('ticker_events_total{feed="live",channel="trades"} 1')
}, 60_000)
