import type { Message } from '../../support/form-reader.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { StreamClient } from '../../support/stream-client.ts'
import { type Conversation, isUnauthenticated, sentMessages } from './conversation.ts'

/** A client in a conversation, on whatever transport. */
export interface ConversationClient {
  /** What frames said of the positions that they cover. */
  readonly coverage: Message[]
  /** How many messages were not taken; heartbeats do not count. */
  readonly waiting: number
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

/** Where a conversation is held. */
export interface Place {
  readonly gateway: TestGateway
  readonly token: string
}

/** A transport, or one form of it, that may carry conversations. */
export interface Carrier {
  readonly name: string
  /** Returns why it cannot carry a conversation; `undefined` if it can. */
  obstacle(conversation: Conversation): string | undefined
  /** Connects; `isUnauthenticated`: the client authenticates by itself. */
  connect(place: Place, conversation: Conversation): Promise<ConversationClient>
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
    connect: async ({ gateway, token }, conversation) => {
      const client = new WebSocketConversation(gateway.streamUrl, { protocols: [form] })
      if (!isUnauthenticated(conversation)) await client.authenticate(token)
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
