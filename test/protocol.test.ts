import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../src/config/config-reader.ts'
import type { MarketEvent } from '../src/event/event.ts'
import { openLog } from '../src/gateway/open-log.ts'
import { errorCodes, errorTexts } from '../src/session/error-message.ts'
import { closeCodes } from '../src/session/close-code.ts'
import { startTestGateway, type TestGateway } from './support/gateway.ts'
import { StreamClient } from './support/stream-client.ts'

interface Conversation {
  readonly name: string
  readonly symbols: '*' | string[]
  readonly lifetimeS: number
  readonly lines: readonly string[]
}

const protocol = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8')
const conversations = [
  ...protocol.matchAll(/```conversation ([^\n(]+?)(?: \((symbols|lifetime): ([^)]+)\))?\n(.*?)```/gs),
].map(
  ([, name = '', what, value = '', text = '']): Conversation => ({
    name,
    symbols: what === 'symbols' ? value.split(', ') : '*',
    lifetimeS: what === 'lifetime' ? Number(value) : 3600,
    lines: text.trim().split('\n'),
  }),
)

/** What stands for a value that differs from run to run. */
const placeholders: Record<string, unknown> = {
  '<time>': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  '<number>': expect.any(Number),
  '<text>': expect.any(String),
  '<moved>': expect.any(Array),
  '<positions>': expect.arrayContaining([[expect.any(Number), expect.any(Number)]]),
  '<partitions>': expect.arrayContaining([
    {
      topic: 'market.trades',
      epoch: expect.any(String),
      partition: 0,
      number: expect.any(Number),
      positions: expect.stringMatching(/^[0-9a-z]+(,[0-9a-z]+)*$/),
    },
  ]),
}

describe('PROTOCOL.md', () => {
  let gateway: TestGateway
  let append: (event: MarketEvent) => Promise<void>
  let closeLog: () => Promise<void>

  beforeAll(async () => {
    gateway = await startTestGateway({ TICKER_HEARTBEAT_MS: '1000' })
    const log = openLog(readConfig(gateway.env), silent)
    closeLog = () => log.events.close()
    append = async event => {
      const [result] = await log.events.append([event])
      if (result === undefined || 'error' in result) throw new Error('not appended', { cause: result })
    }
  })
  afterAll(async () => {
    await closeLog()
    await gateway.stop()
  })

  test('has conversations', () => {
    expect(conversations.map(({ name }) => name)).toEqual([
      'authenticate',
      'renew',
      'subscribe',
      'conflate',
      'unsubscribe',
      'ack',
      'snapshot',
      'expiring',
      'heartbeat',
      'errors',
      'unentitled',
      'resume',
      'resume from elsewhere',
    ])
  })

  // The heartbeat comes first, while no event has given a channel an age.
  const inOrder = conversations.toSorted(
    (a, b) => Number(b.name === 'heartbeat') - Number(a.name === 'heartbeat'),
  )

  test.each(inOrder)('the conversation "$name" takes place', async ({ name, symbols, lifetimeS, lines }) => {
    const token = await gateway.token({ symbols, lifetimeS })
    const narrow = await gateway.token({ symbols: ['MSFT'], lifetimeS })
    const client =
      name === 'authenticate' || name === 'expiring'
        ? new StreamClient(gateway.streamUrl)
        : await StreamClient.open(gateway.streamUrl, token)
    const { epoch, positions } = await tradesRun(await gateway.token())
    for (const line of lines) {
      const body = line.slice(2).replace('<epoch>', epoch).replace('<reached>', positions)
      if (line.startsWith('>')) {
        client.send(body.replace('<token>', token).replace('<token for MSFT>', narrow))
      } else if (line.startsWith('+')) {
        const { T } = JSON.parse(body) as MarketEvent
        const read = (await gateway.metric(`ticker_events_total{channel="${channelNames[T]}"}`)) ?? 0
        await append(JSON.parse(body) as MarketEvent)
        await untilRead(T, read + 1)
      } else {
        const expected = JSON.parse(body, (_key, value: unknown) =>
          typeof value === 'string' && value in placeholders ? placeholders[value] : value,
        ) as unknown[]
        expect([name === 'heartbeat' ? await client.heartbeat() : await client.next()]).toEqual(expected)
      }
    }
    expect(client.waiting).toBe(0)
    await client.close()
  })

  /** How far the trades have come. */
  async function tradesRun(token: string): Promise<{ readonly epoch: string; readonly positions: string }> {
    const client = await StreamClient.open(gateway.streamUrl, token)
    const { partitions } = await client.subscribe({})
    await client.close()
    const runs = partitions as { topic: string; epoch: string; positions: string }[]
    return runs.find(({ topic }) => topic === 'market.trades')!
  }

  async function untilRead(type: MarketEvent['T'], count: number): Promise<void> {
    const name = `ticker_events_total{channel="${channelNames[type]}"}`
    await expect.poll(() => gateway.metric(name), { interval: 5 }).toBe(count)
  }

  test.each(errorCodes)('lists error %i with its text', code => {
    expect(protocol).toContain(`| ${code} | ${errorTexts[code]} |`)
  })

  test.each(Object.values(closeCodes))('lists close code $code', ({ code, reason }) => {
    expect(protocol).toMatch(new RegExp(`\\| ${code} \\| ${reason}`))
  })
})

const channelNames: Partial<Record<MarketEvent['T'], string>> = { t: 'trades', q: 'quotes', s: 'statuses' }
const silent = { warn: () => undefined }
