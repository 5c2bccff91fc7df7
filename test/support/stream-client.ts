import { once } from 'node:events'
import { type ClientOptions, WebSocket } from 'ws'
import { FormReader, type Message } from './form-reader.ts'

export type { Message } from './form-reader.ts'

/** A plain client that keeps every message until a test asks for it. */
export class StreamClient {
  readonly webSocket: WebSocket
  /** What frames said of the positions that they cover. */
  readonly coverage: Message[] = []
  /** How many messages came, heartbeats included. */
  received = 0
  #messages: Message[] = []
  #taken = 0
  #wake: () => void = () => undefined
  #closed: { readonly code: number; readonly reason: string } | undefined

  constructor(url: string, options: ClientOptions & { readonly protocols?: string[] } = {}) {
    const { protocols = [], ...rest } = options
    this.webSocket = new WebSocket(url, protocols, { perMessageDeflate: false, ...rest })
    const reader = new FormReader()
    this.webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      const messages = reader.messagesOf(data, isBinary)
      this.received += messages.length
      this.coverage.push(...messages.filter(({ T }) => T === 'coverage'))
      this.#messages.push(...messages.filter(({ T }) => T !== 'coverage'))
      this.#wake()
    })
    this.webSocket.on('error', () => undefined)
    this.webSocket.on('close', (code, reason) => {
      this.#closed = { code, reason: String(reason) }
      this.#wake()
    })
  }

  /** Connects and authenticates by message. */
  static async open(url: string, token: string): Promise<StreamClient> {
    const client = new StreamClient(url)
    await client.authenticate(token)
    return client
  }

  async authenticate(token: string): Promise<void> {
    await this.take('success')
    this.send({ action: 'auth', token })
    const answer = await this.next()
    if (answer['msg'] !== 'authenticated') throw new Error(`not authenticated: ${JSON.stringify(answer)}`)
  }

  send(message: object | string): void {
    this.webSocket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** Subscribes and waits for the acknowledgement. */
  async subscribe(message: object): Promise<Message> {
    this.send({ action: 'subscribe', ...message })
    return await this.take('subscription')
  }

  /** The next message, whatever it is; heartbeats are passed over. */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.#shift()
      if (message === undefined) {
        if (this.#closed !== undefined) throw new Error(`closed: ${this.#closed.code} ${this.#closed.reason}`)
        await this.#change()
      } else if (message.T !== 'heartbeat') {
        return message
      }
    }
  }

  /** The next message, which must be of this type. */
  async take(type: string): Promise<Message> {
    const message = await this.next()
    if (message.T !== type) throw new Error(`expected ${type}, received ${JSON.stringify(message)}`)
    return message
  }

  /** The next `count` messages. */
  async takeMany(count: number): Promise<Message[]> {
    const messages: Message[] = []
    while (messages.length < count) messages.push(await this.next())
    return messages
  }

  /** Waits for the next heartbeat, dropping what comes before it. */
  async heartbeat(): Promise<Message> {
    for (;;) {
      const message = this.#shift()
      if (message?.T === 'heartbeat') return message
      if (message === undefined) await this.#change()
    }
  }

  /** Whether messages wait to be taken. */
  get waiting(): number {
    return this.#messages.slice(this.#taken).filter(message => message.T !== 'heartbeat').length
  }

  /** How the connection ended. */
  async closed(): Promise<{ readonly code: number; readonly reason: string }> {
    while (this.#closed === undefined) await this.#change()
    return this.#closed
  }

  async close(): Promise<void> {
    if (this.#closed !== undefined) return
    this.webSocket.close()
    await once(this.webSocket, 'close')
  }

  /** `Array.shift` moves everything behind it: too slow for a whole tape. */
  #shift(): Message | undefined {
    const message = this.#messages[this.#taken]
    if (message === undefined) {
      this.#messages = []
      this.#taken = 0
    } else {
      this.#taken++
    }
    return message
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}
