import { expect, test } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import { SseClient } from '../support/sse-client.ts'
import { waitUntil } from '../support/wait-until.ts'
import { expectedMessages, protocol } from './conversations/conversation.ts'
import { SseFixture } from '../transport/sse/sse-fixture.ts'

const conversations = [...protocol.matchAll(/```sse ([^\n]+)\n(.*?)```/gs)].map(
  ([, name = '', text = '']) => [name, text.trim().split('\n')] as const,
)

test('PROTOCOL.md has a conversation of server-sent events', () => {
  expect(conversations.map(([name]) => name)).toEqual(['resume'])
})

test.each(conversations)('the conversation "%s" of server-sent events takes place', async (_name, lines) => {
  const fixture = await SseFixture.start()
  const token = await fixture.gateway.token()
  let client: SseClient | undefined
  let request: string[] = []
  /** How many events of the response were compared. */
  let events = 0
  let lastId = ''
  let hasId = false
  for (const line of lines) {
    const body = line.slice(2)
    if (line.startsWith('>')) {
      request.push(body.replace('<token>', token).replace('<id>', lastId))
    } else if (line.startsWith('=')) {
      client = await ask(fixture.gateway.url, request)
      request = []
      events = 0
      expect(String(client.status)).toBe(body)
    } else if (line === '< retry: <number>') {
      await waitUntil(() => client?.retries.length === 1, 'retry')
    } else if (line === '< id: <id>') {
      hasId = true
    } else if (line.startsWith('< data: ')) {
      const index = events++
      await waitUntil(() => client?.events[index] !== undefined, line)
      const { id, messages } = client!.events[index]!
      expect(messages).toEqual(expectedMessages(line.slice('< data: '.length)))
      expect(id === undefined).toBe(!hasId)
      lastId = id ?? lastId
      hasId = false
    } else if (line.startsWith('+')) {
      await fixture.append([JSON.parse(body) as MarketEvent])
    } else {
      expect(line).toBe('* the connection breaks')
      client?.cut()
    }
  }
  client?.cut()
})

/** Sends the request that some lines have. */
function ask(gateway: string, [first = '', ...fields]: readonly string[]): Promise<SseClient> {
  const headers = Object.fromEntries(fields.map(field => field.split(': ', 2)))
  return SseClient.open(gateway + first.replace('GET ', ''), { headers })
}
