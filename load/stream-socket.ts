import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { FrameReader } from './frame-reader.ts'
import { greetings, type GreetingName } from './greetings.ts'

/** Where a subscriber connects. */
export interface StreamTarget {
  readonly host: string
  readonly port: number
  /** Whether it speaks TLS; whose certificate it sees is not looked at. */
  readonly isTls?: boolean
  /** How it opens the stream; absent, it only receives. */
  readonly opening?: StreamOpening
}

/** The gateway's stream, or that of another server, with the symbols that are wanted there. */
export type StreamOpening = GatewayOpening | PeerOpening

interface GatewayOpening {
  readonly token: string
  readonly subscribe: object
  /** The subprotocol; `ticker.v1.json` if left out. */
  readonly form?: string
}

interface PeerOpening {
  readonly greeting: GreetingName
  readonly symbols: readonly string[]
}

/** Given a frame's payload, valid during the call. */
export type FrameListener = (payload: Buffer) => void

const headerEnd = '\r\n\r\n'
const textOpcode = 0x81
const maskBit = 0x80
/** Servers of ours ping without a payload, so their pongs have none (RFC 6455 §5.5.3); masked with zeros. */
const emptyPong = Buffer.from([0x8a, maskBit, 0, 0, 0, 0])

/**
 * A subscriber as cheap as can be, so that one core carries hundreds: a WebSocket by hand on a plain socket, all
 * sockets reading into one buffer, without the stream machinery in between.
 */
export class StreamSocket {
  readonly reader = new FrameReader()
  /** Resolves when the connection is gone, whoever ended it. */
  readonly gone: Promise<void>
  readonly #socket: Socket
  #head: string | undefined
  #onHead: (head: string) => void = () => undefined
  #ping: readonly [ping: string, pong: string] | undefined
  /** Given the payloads of the opening too: what comes later may build on them. */
  #onFrame: FrameListener | undefined

  private constructor({ host, port, isTls, opening }: StreamTarget, buffer: Buffer) {
    const callback = (length: number): boolean => {
      this.#take(buffer, length)
      return true
    }
    this.#head = opening === undefined ? undefined : ''
    const options = { host, port, onread: { buffer, callback } }
    this.#socket =
      isTls === true
        ? connectTls({ ...options, rejectUnauthorized: false })
        : connect({ ...options, noDelay: true })
    this.gone = new Promise(resolve => {
      this.#socket.once('close', () => resolve())
    })
    this.#socket.on('error', () => undefined)
    this.reader.onPing = () => this.#socket.write(emptyPong)
  }

  /**
   * Connects and, where the target says how, subscribes. `buffer` is for all sockets: nothing is kept in it. `onFrame`, if anyone
   * wants them, is given each frame's payload from the first on; pings of the server's own kind are answered after the opening.
   */
  static async open(target: StreamTarget, buffer: Buffer, onFrame?: FrameListener): Promise<StreamSocket> {
    const stream = new StreamSocket(target, buffer)
    stream.#onFrame = onFrame
    stream.reader.onFrame = onFrame
    await once(stream.#socket, target.isTls === true ? 'secureConnect' : 'connect')
    const { opening } = target
    if (opening === undefined) return stream
    if ('greeting' in opening) await stream.#greet(target, opening)
    else await stream.#open(target, opening)
    if (onFrame !== undefined) stream.#listen(onFrame)
    return stream
  }

  close(): void {
    this.#socket.destroy()
  }

  #listen(onFrame: FrameListener): void {
    const [ping, pong] = this.#ping ?? []
    if (ping === undefined || pong === undefined) return
    const answer = clientFrame(pong)
    this.reader.onFrame = payload => {
      if (payload.length === ping.length && payload.toString('latin1') === ping) this.#socket.write(answer)
      else onFrame(payload)
    }
  }

  #take(buffer: Buffer, length: number): void {
    if (this.#head === undefined) {
      this.reader.take(buffer, length)
      return
    }
    this.#head += buffer.toString('latin1', 0, length)
    const end = this.#head.indexOf(headerEnd)
    if (end < 0) return
    const rest = Buffer.from(this.#head.slice(end + headerEnd.length), 'latin1')
    this.#onHead(this.#head.slice(0, end))
    this.#head = undefined
    this.reader.take(rest, rest.length)
  }

  async #open(
    target: StreamTarget,
    { token, subscribe, form = 'ticker.v1.json' }: GatewayOpening,
  ): Promise<void> {
    const headers = [`Sec-WebSocket-Protocol: ${form}`, `Authorization: Bearer ${token}`]
    const authenticated = this.#message('"authenticated"')
    await this.#upgrade(target, '/v1/stream', headers)
    await authenticated
    const acknowledged = this.#message('"T":"subscription"')
    this.#socket.write(clientFrame(JSON.stringify({ action: 'subscribe', ...subscribe })))
    await acknowledged
  }

  async #greet(target: StreamTarget, { greeting, symbols }: PeerOpening): Promise<void> {
    const manners = greetings[greeting]
    this.#ping = manners.ping
    const [first, ...others] = manners.steps(symbols)
    // What the server says first may come with its handshake.
    const said = first?.send === undefined && first !== undefined ? this.#message(first.until) : undefined
    await this.#upgrade(target, manners.path(symbols))
    await said
    for (const { send, until } of said === undefined && first !== undefined ? [first, ...others] : others) {
      const answered = this.#message(until)
      if (send !== undefined) this.#socket.write(clientFrame(send))
      await answered
    }
  }

  async #upgrade({ host, port }: StreamTarget, path: string, headers: readonly string[] = []): Promise<void> {
    const answered = Promise.withResolvers<string>()
    this.#onHead = answered.resolve
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...headers,
    ]
    this.#socket.write(lines.join('\r\n') + headerEnd)
    const head = await Promise.race([answered.promise, this.#ended('the handshake')])
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the handshake was refused: ${head}`)
  }

  /** Resolves at the first message that contains `text`; rejects at an error message and when the connection ends. */
  async #message(text: string): Promise<void> {
    const found = Promise.withResolvers<void>()
    this.reader.onFrame = payload => {
      this.#onFrame?.(payload)
      const message = payload.toString('utf8')
      if (message.includes(text)) found.resolve()
      else if (message.includes('"T":"error"')) found.reject(new Error(message))
    }
    await Promise.race([found.promise, this.#ended(text)])
    this.reader.onFrame = this.#onFrame
  }

  async #ended(before: string): Promise<never> {
    await this.gone
    throw new Error(`the connection ended before ${before}`)
  }
}

/** A text frame as clients send it: masked, with a mask of zeros, which leaves the payload as it is. */
function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  if (payload.length > 0xffff) throw new RangeError(`a request of ${payload.length} bytes: at most 65535`)
  const mask = [0, 0, 0, 0]
  const header =
    payload.length < 126
      ? [textOpcode, maskBit | payload.length, ...mask]
      : [textOpcode, maskBit | 126, payload.length >> 8, payload.length & 0xff, ...mask]
  return Buffer.concat([Buffer.from(header), payload])
}
