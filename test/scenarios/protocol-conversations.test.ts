import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { closeReasons, closeReasonTerms } from '../../src/protocol/close-reason.ts'
import { errorCodes } from '../../src/protocol/request-fault.ts'
import { errorTexts } from '../../src/protocol/ticker-v1/error-texts.ts'
import { closeCodes } from '../../src/transport/websocket/close-codes.ts'
import { webSocketJson, webSocketTape } from './conversations/carrier.ts'
import { sse } from './conversations/sse-carrier.ts'
import { ConversationGateway } from './conversations/conversation-gateway.ts'
import { conversations, protocol } from './conversations/conversation.ts'
import { holdConversation } from './conversations/hold-conversation.ts'

afterAll(() => ConversationGateway.stopShared())

test('every conversation of PROTOCOL.md is found', () => {
  expect(conversations.length).toBeGreaterThan(0)
  expect(conversations.length).toBe(protocol.split('\n```conversation ').length - 1)
})

// The heartbeat comes first, while no event has given a channel an age.
const inOrder = conversations.toSorted(
  (a, b) => Number(b.name === 'heartbeat') - Number(a.name === 'heartbeat'),
)

describe.each([webSocketJson, webSocketTape, sse])('over $name', carrier => {
  const carried = inOrder.filter(conversation => carrier.obstacle(conversation) === undefined)
  let shared: ConversationGateway
  let own: ConversationGateway | undefined

  beforeAll(async () => {
    shared = await ConversationGateway.start('shared')
    const left = conversations.flatMap(conversation => {
      const obstacle = carrier.obstacle(conversation)
      return obstacle === undefined ? [] : [`\n  "${conversation.name}": ${obstacle}`]
    })
    console.info(`${carrier.name} cannot carry ${left.length} of ${conversations.length}:${left.join('')}`)
  })
  afterEach(async () => {
    await own?.stop()
    own = undefined
  })
  afterAll(() => shared.stop())

  test.each(carried)('the conversation "$name" takes place', async conversation => {
    const { node } = conversation
    const place = node === 'shared' ? shared : (own = await ConversationGateway.start(node))
    expect(await holdConversation(conversation, place, carrier)).toBe(0)
  })

  test('the conversations with which a client finds its way take place', () => {
    const names = ['whole resume', 'resume', 'unentitled', 'snapshot', 'broken connection', 'halt']
    expect(carried.map(({ name }) => name)).toEqual(expect.arrayContaining(names))
  })
})

describe('PROTOCOL.md', () => {
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
