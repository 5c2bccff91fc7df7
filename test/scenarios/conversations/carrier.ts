import type { Message } from '../../support/form-reader.ts'
import { StreamClient } from '../../support/stream-client.ts'
import type { ConversationGateway } from './conversation-gateway.ts'
import { authenticationOf, type Conversation, sentMessages } from './conversation.ts'

/** A client in a conversation, on whatever transport. */
export interface ConversationClient {
  /** What frames said of the positions that they cover. */
  readonly coverage: Message[]
  /** How many messages were not taken; heartbeats do not count. */
  readonly waiting: number
  /** How many messages came, heartbeats included. */
  readonly received: number
  send(message: string): void
  /** The next message; heartbeats and coverage are passed over. */
  next(): Promise<Message>
  /** The next heartbeat; what comes before it is dropped. */
  heartbeat(): Promise<Message>
  /** Resolves to how the gateway ended the connection, as a conversation says it. */
  ended(): Promise<string>
  /** Breaks the connection. */
  cut(): void
  close(): Promise<void>
}

/** A client that is to be connected. */
export interface ConversationRequest {
  readonly conversation: Conversation
  readonly node: ConversationGateway
  readonly token: string
  /** The client whose connection broke, if this one comes in its place. */
  readonly former?: ConversationClient
}

/** A transport, or one form of it, that may carry conversations. */
export interface Carrier {
  readonly name: string
  /** Returns why it cannot carry a conversation; `undefined` if it can. */
  obstacle(conversation: Conversation): string | undefined
  /** Connects, and authenticates unless the conversation does that. */
  connect(request: ConversationRequest): Promise<ConversationClient>
  /** Returns what its clients are sent where the conversation has these messages. */
  translate(expected: readonly Message[]): Message[]
}

class WebSocketConversation extends StreamClient implements ConversationClient {
  async ended(): Promise<string> {
    const { code, reason } = await this.closed()
    return `${code} ${reason}`
  }

  cut(): void {
    this.webSocket.terminate()
  }
}

function webSocketCarrier(form: string, obstacle: Carrier['obstacle']): Carrier {
  return {
    name: form,
    obstacle,
    connect: async ({ conversation, node, token }) => {
      const authentication = authenticationOf(conversation)
      const headers = authentication === 'with the request' ? { authorization: `Bearer ${token}` } : undefined
      const client = new WebSocketConversation(node.streamUrl, {
        protocols: [form],
        ...(headers && { headers }),
      })
      if (authentication === 'before it') await client.authenticate(token)
      return client
    },
    translate: expected => [...expected],
  }
}

export const webSocketJson = webSocketCarrier('ticker.v1.json', () => undefined)

export const webSocketTape = webSocketCarrier('ticker.v1.tape', conversation =>
  sentMessages(conversation)
    .flat()
    .some(({ action }) => action === 'ack')
    ? 'its client counts data frames, and the tape form has frames of its own'
    : undefined,
)
