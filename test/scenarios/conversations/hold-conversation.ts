import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { channelOfType, type MarketEvent } from '../../../src/event/event.ts'
import type { Message } from '../../support/form-reader.ts'
import { createPositionKeeper } from '../../support/position-keeper.ts'
import { StreamClient } from '../../support/stream-client.ts'
import type { Carrier, ConversationClient } from './carrier.ts'
import type { ConversationGateway } from './conversation-gateway.ts'
import { comesBack, type Conversation, expectedMessages } from './conversation.ts'

/**
 * Holds a conversation with a node over a carrier, and compares every message. Returns how many messages came
 * beyond those of the conversation.
 */
export async function holdConversation(
  conversation: Conversation,
  node: ConversationGateway,
  carrier: Carrier,
): Promise<number> {
  const { symbols, lifetimeS, lines } = conversation
  const { gateway } = node
  const token = await gateway.token({ symbols, lifetimeS })
  const narrow = await gateway.token({ symbols: ['MSFT'], lifetimeS })
  let client = await carrier.connect({ conversation, node, token })
  const { epoch, positions } = await tradesRun(node)
  const keeper = createPositionKeeper()
  let isBack = false
  let ageMs = 0
  for (const line of lines) {
    const back = comesBack.exec(line)
    const body = node
      .named(line.slice(2))
      .replaceAll('<epoch>', epoch)
      .replace('<reached>', positions)
      .replace('"<cursor>"', () => JSON.stringify(keeper.cursor()))
    if (line.startsWith('>')) {
      if (isBack)
        expect(JSON.parse(body)).toMatchObject({ cursor: JSON.parse(JSON.stringify(keeper.cursor())) })
      client.send(body.replace('<token>', token).replace('<token for MSFT>', narrow))
    } else if (line.startsWith('+')) {
      await appendAndRead(node, JSON.parse(body) as MarketEvent)
    } else if (back !== null) {
      if (back.groups?.['act'] !== undefined) await node.act(back.groups['act'])
      client.cut()
      client = await carrier.connect({ conversation, node, token, former: client })
      keeper.receive['success']?.({ T: 'success', msg: 'connected' })
      isBack = true
    } else if (line.startsWith('* closed: ')) {
      expect(`* closed: ${await client.ended()}`).toBe(line)
    } else if (line === '* limits.unackedMs go by') {
      await heartbeats(client, 2)
    } else if (line === '* the node lets go of what it has in memory') {
      await heartbeats(client, 3)
    } else if (line === '* heartbeats are due, and nothing comes') {
      expect(await messagesWithin(node, client)).toBe(0)
    } else if (line.startsWith('*')) {
      await node.act(line.slice(2))
    } else {
      const expected = carrier.translate(expectedMessages(body))
      const messages = await received(client, expected)
      expect(messages).toEqual(expected)
      if (body.includes('"<greater>"')) expect(newestAge(messages)).toBeGreaterThan(ageMs)
      ageMs = newestAge(messages)
      for (const message of messages) keeper.receive[message.T]?.(message)
    }
  }
  const { waiting } = client
  await client.close()
  return waiting
}

/** As many messages as are expected; those of a type that is passed over otherwise are waited for. */
async function received(client: ConversationClient, expected: readonly Message[]): Promise<Message[]> {
  const messages: Message[] = []
  for (const each of expected) {
    const { T } = each
    if (T === 'coverage') {
      await expect.poll(() => client.coverage.length, { interval: 5 }).toBeGreaterThan(0)
      messages.push(client.coverage.shift()!)
    } else if (T === 'heartbeat') {
      messages.push(await heartbeatLike(client, each))
    } else {
      messages.push(await nextBut(client, T === 'slow' ? '' : 'slow'))
    }
  }
  return messages
}

/** The first heartbeat of the same source with ages of the same channels: one may be under way already. */
async function heartbeatLike(client: ConversationClient, expected: Message): Promise<Message> {
  const factsOf = ({ source, agesMs }: Message) => [source, Object.keys(agesMs ?? {})]
  let beat = await client.heartbeat()
  for (let others = 0; others < 30 && !isDeepStrictEqual(factsOf(beat), factsOf(expected)); others++)
    beat = await client.heartbeat()
  return beat
}

function newestAge(messages: readonly Message[]): number {
  const ages = messages.flatMap(({ agesMs }) => Object.values((agesMs ?? {}) as Record<string, number>))
  return Math.min(...ages)
}

/** How many messages a client receives while another one, on a sound connection, receives two heartbeats. */
async function messagesWithin(node: ConversationGateway, client: ConversationClient): Promise<number> {
  const other = await StreamClient.open(node.gateway.streamUrl, await node.gateway.token())
  await other.heartbeat()
  const { received: before } = client
  await other.heartbeat()
  await other.heartbeat()
  await other.close()
  return client.received - before
}

/** Waits for so many heartbeats, which all but the first come a second after the last. */
async function heartbeats(client: ConversationClient, count: number): Promise<void> {
  for (let each = 0; each < count; each++) await client.heartbeat()
}

/** The next message of another type: one that comes with each heartbeat may come once more. */
async function nextBut(client: ConversationClient, type: string): Promise<Message> {
  const message = await client.next()
  return message.T === type ? nextBut(client, type) : message
}

/** How far the trades have come. */
async function tradesRun(
  node: ConversationGateway,
): Promise<{ readonly epoch: string; readonly positions: string }> {
  const client = await StreamClient.open(node.streamUrl, await node.gateway.token())
  const { partitions } = await client.subscribe({})
  await client.close()
  const runs = partitions as { topic: string; epoch: string; positions: string }[]
  return runs.find(({ topic }) => topic === node.named('market.trades'))!
}

async function appendAndRead(node: ConversationGateway, event: MarketEvent): Promise<void> {
  const name = `ticker_events_total{feed="${node.feed}",channel="${channelOfType[event.T]}"}`
  const read = (await node.gateway.metric(name)) ?? 0
  await node.append(event)
  await expect.poll(() => node.gateway.metric(name), { interval: 5 }).toBe(read + 1)
}
