import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { channelOfType, type MarketEvent } from '../../src/event/event.ts'
import { errorCodes } from '../../src/protocol/request-fault.ts'
import { errorTexts } from '../../src/protocol/ticker-v1/error-texts.ts'
import { closeReasons, closeReasonTerms } from '../../src/protocol/close-reason.ts'
import { closeCodes } from '../../src/transport/websocket/close-codes.ts'
import { isNodeName, type NodeName, ConversationGateway } from './conversation-gateway.ts'
import { type Message, StreamClient } from '../support/stream-client.ts'

interface Conversation {
  readonly name: string
  readonly symbols: '*' | string[]
  readonly lifetimeS: number
  /** The node that it is held with. */
  readonly node: NodeName
  readonly lines: readonly string[]
}

const protocol = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8')
const conversations = [
  ...protocol.matchAll(/```conversation ([^\n(]+?)(?: \((symbols|lifetime|node): ([^)]+)\))?\n(.*?)```/gs),
].map(
  ([, name = '', what, value = '', text = '']): Conversation => ({
    name,
    symbols: what === 'symbols' ? value.split(', ') : '*',
    lifetimeS: what === 'lifetime' ? Number(value) : 3600,
    node: isNodeName(value) ? value : 'shared',
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
      topic: expect.stringMatching(/trades$/),
      epoch: expect.any(String),
      partition: 0,
      number: expect.any(Number),
      positions: expect.stringMatching(/^[0-9a-z]+(,[0-9a-z]+)*$/),
    },
  ]),
}

/** The client of §8 that keeps positions. */
interface PositionKeeper {
  readonly receive: Readonly<Record<string, ((message: Message) => void) | undefined>>
  readonly cursor: () => object
}

function createPositionKeeper(): PositionKeeper {
  const [code = ''] = /^ +let topics = .*?(?=\n\n)/ms.exec(protocol) ?? []
  return runInNewContext(`${code}\n;({ receive, cursor })`) as PositionKeeper
}

describe('PROTOCOL.md', () => {
  let shared: ConversationGateway
  let own: ConversationGateway | undefined

  beforeAll(async () => {
    shared = await ConversationGateway.start('shared')
  })
  afterEach(async () => {
    await own?.stop()
    own = undefined
  })
  afterAll(() => shared.stop())

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
      'shutdown',
      'errors',
      'unentitled',
      'resume',
      'resume from elsewhere',
      'whole resume',
      'behind',
      'replaced',
      'recreated',
    ])
  })

  // The heartbeat comes first, while no event has given a channel an age.
  const inOrder = conversations.toSorted(
    (a, b) => Number(b.name === 'heartbeat') - Number(a.name === 'heartbeat'),
  )

  test.each(inOrder)('the conversation "$name" takes place', async conversation => {
    const { name, symbols, lifetimeS, node, lines } = conversation
    const fixture = node === 'shared' ? shared : (own = await ConversationGateway.start(node))
    const { gateway } = fixture
    const token = await gateway.token({ symbols, lifetimeS })
    const narrow = await gateway.token({ symbols: ['MSFT'], lifetimeS })
    let client =
      name === 'authenticate' || name === 'expiring'
        ? new StreamClient(gateway.streamUrl)
        : await StreamClient.open(gateway.streamUrl, token)
    const { epoch, positions } = await tradesRun(fixture)
    const keeper = createPositionKeeper()
    for (const line of lines) {
      const body = fixture.named(line.slice(2)).replaceAll('<epoch>', epoch).replace('<reached>', positions)
      if (line.startsWith('>')) {
        if (name === 'whole resume' && body.includes('cursor'))
          expect(JSON.parse(body)).toMatchObject({ cursor: JSON.parse(JSON.stringify(keeper.cursor())) })
        client.send(body.replace('<token>', token).replace('<token for MSFT>', narrow))
      } else if (line.startsWith('+')) {
        await appendAndRead(fixture, JSON.parse(body) as MarketEvent)
      } else if (line === '* the connection breaks; the client connects again') {
        client.webSocket.terminate()
        client = await StreamClient.open(gateway.streamUrl, token)
        keeper.receive['success']?.({ T: 'success', msg: 'connected' })
      } else if (line.startsWith('* closed: ')) {
        const { code, reason } = await client.closed()
        expect(`* closed: ${code} ${reason}`).toBe(line)
      } else if (line === '* limits.unackedMs go by') {
        await heartbeats(client, 2)
      } else if (line === '* the node lets go of what it has in memory') {
        await heartbeats(client, 3)
      } else if (line.startsWith('*')) {
        await fixture.act(line.slice(2))
      } else {
        const expected = JSON.parse(body, (_key, value: unknown) =>
          typeof value === 'string' && value in placeholders ? placeholders[value] : value,
        ) as Message[]
        const messages = await received(client, expected)
        expect(messages).toEqual(expected)
        for (const message of messages) keeper.receive[message.T]?.(message)
      }
    }
    expect(client.waiting).toBe(0)
    await client.close()
  })

  /** As many messages as are expected; those of a type that is passed over otherwise are waited for. */
  async function received(client: StreamClient, expected: readonly Message[]): Promise<Message[]> {
    const messages: Message[] = []
    for (const { T } of expected)
      if (T === 'coverage') {
        await expect.poll(() => client.coverage.length, { interval: 5 }).toBeGreaterThan(0)
        messages.push(client.coverage.shift()!)
      } else {
        messages.push(
          await (T === 'heartbeat' ? client.heartbeat() : nextBut(client, T === 'slow' ? '' : 'slow')),
        )
      }
    return messages
  }

  /** Waits for so many heartbeats, which all but the first come a second after the last. */
  async function heartbeats(client: StreamClient, count: number): Promise<void> {
    for (let each = 0; each < count; each++) await client.heartbeat()
  }

  /** The next message of another type: one that comes with each heartbeat may come once more. */
  async function nextBut(client: StreamClient, type: string): Promise<Message> {
    const message = await client.next()
    return message.T === type ? nextBut(client, type) : message
  }

  /** How far the trades have come. */
  async function tradesRun(
    fixture: ConversationGateway,
  ): Promise<{ readonly epoch: string; readonly positions: string }> {
    const client = await StreamClient.open(fixture.gateway.streamUrl, await fixture.gateway.token())
    const { partitions } = await client.subscribe({})
    await client.close()
    const runs = partitions as { topic: string; epoch: string; positions: string }[]
    return runs.find(({ topic }) => topic === fixture.named('market.trades'))!
  }

  async function appendAndRead(fixture: ConversationGateway, event: MarketEvent): Promise<void> {
    const name = `ticker_events_total{feed="live",channel="${channelOfType[event.T]}"}`
    const read = (await fixture.gateway.metric(name)) ?? 0
    await fixture.append(event)
    await expect.poll(() => fixture.gateway.metric(name), { interval: 5 }).toBe(read + 1)
  }

  test.each(errorCodes)('lists error %i with its text', code => {
    expect(protocol).toContain(`| ${code} | ${errorTexts[code]} |`)
  })

  test.each(closeReasons)(
    'lists the close code for "%s", whose range says what the client should do',
    reason => {
      const { text, client } = closeReasonTerms[reason]
      expect(protocol).toMatch(new RegExp(`\\| ${closeCodes[reason]} \\| ${text}`))
      expect(closeCodes[reason] < 4500 ? 'reconnect' : 'stop').toBe(client)
    },
  )
})
