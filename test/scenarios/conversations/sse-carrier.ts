import { closeReasons, closeReasonTerms } from '../../../src/protocol/close-reason.ts'
import { eventIdVersion, writeTopic } from '../../../src/transport/sse/event-id.ts'
import { closeCodes } from '../../../src/transport/websocket/close-codes.ts'
import type { Message } from '../../support/form-reader.ts'
import { SseClient } from '../../support/sse-client.ts'
import { waitUntil } from '../../support/wait-until.ts'
import type { Carrier, ConversationClient, ConversationRequest } from './carrier.ts'
import { authenticationOf, type Conversation, sentMessages } from './conversation.ts'

interface CursorRun {
  readonly topic: string
  readonly epoch: string
  readonly positions: string
}

/** A client of `GET /v1/events`: what it would subscribe to stands in its request. */
class SseConversation implements ConversationClient {
  readonly #request: ConversationRequest
  readonly #coverage: Message[] = []
  #client: SseClient | undefined
  #opening: Promise<void> | undefined
  #pulled = 0
  #queue: Message[] = []
  #closing: string | undefined

  constructor(request: ConversationRequest) {
    this.#request = request
  }

  get lastEventId(): string | undefined {
    return this.#client?.lastEventId
  }

  get coverage(): Message[] {
    this.#pull()
    return this.#coverage
  }

  get waiting(): number {
    this.#pull()
    return this.#queue.filter(({ T }) => T !== 'heartbeat').length
  }

  get received(): number {
    return this.#client?.messages.length ?? 0
  }

  send(message: string): void {
    this.#opening ??= this.#open(JSON.parse(message))
  }

  async next(): Promise<Message> {
    return await this.#await(({ T }) => T !== 'heartbeat')
  }

  async heartbeat(): Promise<Message> {
    return await this.#await(({ T }) => T === 'heartbeat')
  }

  async ended(): Promise<string> {
    await this.#client?.ended()
    this.#pull()
    const reason = closeReasons.find(each => each === this.#closing)
    return reason === undefined
      ? 'without a reason'
      : `${closeCodes[reason]} ${closeReasonTerms[reason].text}`
  }

  cut(): void {
    this.#client?.cut()
  }

  close(): Promise<void> {
    this.cut()
    return Promise.resolve()
  }

  /** Drops what comes before the first message that is meant. */
  async #await(isMeant: (message: Message) => boolean): Promise<Message> {
    // What a session says before its client does, it says over SSE once the request has come.
    const [[first] = []] = sentMessages(this.#request.conversation)
    await (this.#opening ??= this.#open(first ?? {}))
    for (;;) {
      await waitUntil(() => this.#pull() > 0, 'a message')
      const message = this.#queue.shift()!
      if (isMeant(message)) return message
    }
  }

  async #open({ cursor, ...fields }: Record<string, unknown>): Promise<void> {
    const { node, token, former } = this.#request
    const lastEventId = former instanceof SseConversation ? former.lastEventId : idOf(cursor)
    const query = new URLSearchParams(parametersOf(fields))
    if (node.feed !== 'live') query.set('feed', node.feed)
    const url = `${node.url}/v1/events?${query.toString()}`
    const client = await SseClient.open(url, { token, ...(lastEventId === undefined ? {} : { lastEventId }) })
    this.#client = client
    if (client.status === 200) return
    await client.ended()
    const { error } = JSON.parse(client.text) as { readonly error: string }
    this.#queue.push({ T: 'error', detail: error })
  }

  /** Takes what has come. Returns how many messages wait. */
  #pull(): number {
    const messages = this.#client?.messages ?? []
    for (const message of messages.slice(this.#pulled)) {
      if (message.T === 'coverage') this.#coverage.push(message)
      else if (message.T === 'closing') this.#closing = String(message['reason'])
      else if (message.T !== 'success' || authenticationOf(this.#request.conversation) !== 'before it')
        this.#queue.push(message)
    }
    this.#pulled = messages.length
    return this.#queue.length
  }
}

/** The parameters of a query that asks for what a `subscribe` does. */
function parametersOf(fields: Record<string, unknown>): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    if (name === 'action' || name === 'id') return []
    if (Array.isArray(value)) return [[name, value.join(',')]]
    if (name !== 'policy') return [[name, JSON.stringify(value)]]
    return Object.entries(value as object).map(([channel, policy]) => [`policy.${channel}`, String(policy)])
  })
}

function idOf(cursor: unknown): string | undefined {
  if (cursor === undefined) return undefined
  const { partitions } = cursor as { readonly partitions: readonly CursorRun[] }
  const topics = partitions.map(({ topic, epoch, positions }) => `${writeTopic(topic, epoch)}${positions}`)
  return `${eventIdVersion}${topics.join('')}`
}

/** Every session over SSE begins with its one subscription, and its client says nothing else. */
function obstacle(conversation: Conversation): string | undefined {
  for (const sent of sentMessages(conversation)) {
    const actions = sent.map(({ action }) => String(action))
    if (actions.length === 1 && actions[0] === 'subscribe') continue
    return `its client sends ${actions.length === 0 ? 'nothing' : actions.join(', ')}, not one subscribe`
  }
  return undefined
}

/** There is no name of a request to repeat. A refusal is an HTTP status with what was wrong. */
function translate(expected: readonly Message[]): Message[] {
  return expected.map(({ id, ...message }) => {
    if (message.T === 'error') return { T: 'error', detail: message['detail'] }
    return message.T === 'n' ? { ...message, id } : message
  })
}

export const sse: Carrier = {
  name: 'SSE',
  obstacle,
  connect: request => Promise.resolve(new SseConversation(request)),
  translate,
}
