import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { FrameReader } from './frame-reader.ts'

/** The address of a server. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** Over TLS the certificate is not checked. */
  readonly isTls: boolean
}

const headerEnd = '\r\n\r\n'
const textOpcode = 0x81
const maskBit = 0x80
/** The gateway pings without a payload, so the pong has none (RFC 6455 §5.5.3). */
const emptyPong = Buffer.from([0x8a, maskBit, 0, 0, 0, 0])

/**
 * A WebSocket by hand on a plain socket, as cheap as can be, so that one core carries hundreds: all sockets
 * read into one buffer, without Node's streams in between.
 */
export class WebSocketClient {
  readonly reader = new FrameReader()
  /** Resolves when the connection is gone, whoever ended it, with what is known of the reason. */
  readonly gone: Promise<string>
  readonly #address: ServerAddress
  readonly #socket: Socket
  #head: string | undefined = ''
  #onHead: (head: string) => void = () => undefined

  /** Connects at once. All clients may read into the same `buffer`: nothing is kept in it. */
  constructor(address: ServerAddress, buffer: Buffer) {
    this.#address = address
    const callback = (length: number): boolean => {
      this.#take(buffer, length)
      return true
    }
    const { host, port, isTls } = address
    const options = { host, port, noDelay: true, onread: { buffer, callback } }
    this.#socket = isTls ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options)
    this.#socket.on('error', () => undefined)
    this.gone = new Promise(resolve => {
      this.#socket.once('close', () => resolve(this.#head ?? 'the connection was closed'))
    })
    this.reader.onPing = () => this.#socket.write(emptyPong)
  }

  /** Resolves after the opening handshake (RFC 6455 §4); rejects where that is refused. */
  async upgrade(path: string, headers: readonly string[] = []): Promise<void> {
    const { host, port, isTls } = this.#address
    await Promise.race([
      once(this.#socket, isTls ? 'secureConnect' : 'connect'),
      this.endsBefore('connecting'),
    ])
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
    const head = await Promise.race([answered.promise, this.endsBefore('the handshake')])
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the handshake was refused: ${head}`)
  }

  /** Opens the gateway's stream in a wire form. */
  async upgradeToStream(token: string, form: string): Promise<void> {
    await this.upgrade('/v1/stream', [`Sec-WebSocket-Protocol: ${form}`, `Authorization: Bearer ${token}`])
  }

  /** Rejects when the connection ends. */
  async endsBefore(what: string): Promise<never> {
    const reason = await this.gone
    throw new Error(`the connection ended before ${what}: ${reason.slice(0, 200)}`)
  }

  /** Sends a text frame. */
  send(text: string): void {
    this.#socket.write(clientFrame(text))
  }

  /** Leaves what comes to the kernel, until `resume`. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Breaks the connection, as a network does. */
  close(): void {
    this.#socket.destroy()
  }

  #take(buffer: Buffer, length: number): void {
    if (this.#head === undefined) {
      this.reader.take(buffer, length)
      return
    }
    this.#head += buffer.toString('latin1', 0, length)
    const end = this.#head.indexOf(headerEnd)
    if (end < 0) return
    const head = this.#head.slice(0, end)
    const rest = Buffer.from(this.#head.slice(end + headerEnd.length), 'latin1')
    this.#head = head.startsWith('HTTP/1.1 101 ') ? undefined : this.#head
    this.#onHead(head)
    this.reader.take(rest, rest.length)
  }
}

/** A text frame as clients send it: with a mask of zeros, which leaves the payload as it is. */
function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  const { length } = payload
  if (length > 0xffff) throw new RangeError(`a request of ${length} bytes: at most 65535`)
  const lengthBytes = length < 126 ? [maskBit | length] : [maskBit | 126, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([textOpcode, ...lengthBytes, 0, 0, 0, 0]), payload])
}
