import { type ServerAddress, WebSocketClient } from './web-socket-client.ts'

/** A stream of the gateway, or of another server with the symbols that are wanted there. */
export type StreamOpening =
  | { readonly token: string; readonly form: string; readonly subscribe: object }
  | { readonly handshake: HandshakeName; readonly symbols: readonly string[] }

/** Given a frame's payload, valid during the call. */
export type FrameListener = (payload: Buffer) => void

/** A subscriber that only receives. */
export class StreamSocket {
  readonly client: WebSocketClient
  /** Given the payloads of the opening too: what comes later may build on them. */
  readonly #onFrame: FrameListener | undefined

  private constructor(client: WebSocketClient, onFrame: FrameListener | undefined) {
    this.client = client
    this.#onFrame = onFrame
    client.reader.onFrame = onFrame
  }

  /**
   * Connects and subscribes; without `onFrame`, frames are only counted. With it, pings of the server's own
   * kind are answered after the opening.
   */
  static async open(
    { address, opening }: { readonly address: ServerAddress; readonly opening: StreamOpening },
    buffer: Buffer,
    onFrame?: FrameListener,
  ): Promise<StreamSocket> {
    const stream = new StreamSocket(new WebSocketClient(address, buffer), onFrame)
    if ('token' in opening) await stream.#openGateway(opening)
    else await stream.#openOther(opening)
    return stream
  }

  async #openGateway({
    token,
    form,
    subscribe,
  }: Extract<StreamOpening, { readonly token: string }>): Promise<void> {
    const authenticated = this.#message('"authenticated"')
    await this.client.upgradeToStream(token, form)
    await authenticated
    const acknowledged = this.#message('"T":"subscription"')
    this.client.send(JSON.stringify({ action: 'subscribe', ...subscribe }))
    await acknowledged
  }

  async #openOther({
    handshake,
    symbols,
  }: Extract<StreamOpening, { readonly handshake: HandshakeName }>): Promise<void> {
    const { path, steps, ping } = handshakes[handshake]
    const [first, ...others] = steps(symbols)
    // The server's first message may come with its handshake.
    const greeted = first?.send === undefined && first !== undefined ? this.#message(first.until) : undefined
    await this.client.upgrade(path(symbols))
    await greeted
    for (const { send, until } of greeted === undefined && first !== undefined
      ? [first, ...others]
      : others) {
      const answered = this.#message(until)
      if (send !== undefined) this.client.send(send)
      await answered
    }
    if (ping !== undefined) this.#answerPings(...ping)
  }

  #answerPings(ping: string, pong: string): void {
    const onFrame = this.#onFrame
    if (onFrame === undefined) return
    this.client.reader.onFrame = payload => {
      if (payload.length === ping.length && payload.toString('latin1') === ping) this.client.send(pong)
      else onFrame(payload)
    }
  }

  /** Resolves at the first message with `text`; rejects at an error message and when the connection ends. */
  async #message(text: string): Promise<void> {
    const found = Promise.withResolvers<void>()
    this.client.reader.onFrame = payload => {
      this.#onFrame?.(payload)
      const message = payload.toString('utf8')
      if (message.includes(text)) found.resolve()
      else if (message.includes('"T":"error"')) found.reject(new Error(message))
    }
    await Promise.race([found.promise, this.client.endsBefore(text)])
    this.client.reader.onFrame = this.#onFrame
  }
}

/** The servers beside the gateway, by how their clients open a stream. */
export type HandshakeName = keyof typeof handshakes

/** How the stream of another server is opened. */
interface Handshake {
  /** The path of the request line. */
  readonly path: (symbols: readonly string[]) => string
  /** The messages afterwards: after each `send` the client waits for a message that contains `until`. */
  readonly steps: (symbols: readonly string[]) => readonly HandshakeStep[]
  /** A ping of the server's own kind, and how a client answers it. */
  readonly ping?: readonly [ping: string, pong: string]
}

interface HandshakeStep {
  readonly send?: string
  readonly until: string
}

const query: Handshake = { path: symbols => `/?symbols=${symbols.join()}`, steps: () => [] }

// https://socket.io/docs/v4/engine-io-protocol and /socket-io-protocol.
const socketIo: Handshake = {
  path: symbols => `/socket.io/?EIO=4&transport=websocket&symbols=${symbols.join()}`,
  steps: () => [{ until: '0{' }, { send: '40', until: '40{' }],
  ping: ['2', '3'],
}

// https://docs.nats.io/reference/reference-protocols/nats-protocol
const nats: Handshake = {
  path: () => '/',
  steps: symbols => {
    const subscriptions = symbols.map((symbol, index) => `SUB ${symbol} ${index + 1}\r\n`).join('')
    const connect = 'CONNECT {"verbose":false,"pedantic":false,"lang":"load","version":"0"}\r\n'
    return [{ until: 'INFO ' }, { send: `${connect}${subscriptions}PING\r\n`, until: 'PONG' }]
  },
  ping: ['PING\r\n', 'PONG\r\n'],
}

// https://centrifugal.dev/docs/transports/client_protocol
const centrifugo: Handshake = {
  path: () => '/connection/websocket',
  steps: symbols => [
    { send: '{"id":1,"connect":{}}', until: '"id":1,' },
    ...symbols.map((symbol, index) => ({
      send: `{"id":${index + 2},"subscribe":{"channel":"${symbol}"}}`,
      until: `"id":${index + 2},`,
    })),
  ],
}

const handshakes = { query, 'socket.io': socketIo, nats, centrifugo } as const
