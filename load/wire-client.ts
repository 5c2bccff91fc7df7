import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { FrameReader } from './frame-reader.ts'

export interface WireTarget {
  readonly host: string
  readonly port: number
  /** `wss`; the certificate is not checked. */
  readonly isSecure: boolean
  readonly token: string
}

export interface WireListener {
  /** Given the payload of every frame; it is valid during the call. */
  readonly frame: (payload: Buffer) => void
  /** The connection is gone, whoever ended it, or never came to be. */
  readonly gone: (reason: string) => void
}

const headerEnd = '\r\n\r\n'
const textOpcode = 0x81
const maskBit = 0x80

/** A client of the stream as cheap as can be: a WebSocket by hand, which tells of frames and sends texts. */
export class WireClient {
  readonly #target: WireTarget
  readonly #reader = new FrameReader()
  readonly #socket: Socket
  #head: string | undefined = ''

  /** Connects at once. In the clear all clients may read into one `buffer`: nothing is kept in it. */
  constructor(target: WireTarget, listener: WireListener, buffer: Buffer) {
    this.#target = target
    this.#reader.onFrame = payload => listener.frame(payload)
    this.#socket = this.#connect(buffer)
    this.#socket.on('error', () => undefined)
    this.#socket.once('close', () => listener.gone(this.#head ?? 'the connection was closed'))
  }

  /** All bytes so far. */
  get bytes(): number {
    return this.#reader.bytes
  }

  /** Sends a message. */
  send(message: object): void {
    this.#socket.write(clientFrame(JSON.stringify(message)))
  }

  /** Leaves what comes to the kernel, until `resume`. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Breaks the connection, as a network does. */
  cut(): void {
    this.#socket.destroy()
  }

  #connect(buffer: Buffer): Socket {
    const { host, port, isSecure } = this.#target
    if (isSecure) {
      const socket = connectSecurely({ host, port, rejectUnauthorized: false }, () => this.#greet())
      return socket.on('data', (chunk: Buffer) => this.#take(chunk, chunk.length))
    }
    const callback = (length: number): boolean => {
      this.#take(buffer, length)
      return true
    }
    return connect({ host, port, noDelay: true, onread: { buffer, callback } }, () => this.#greet())
  }

  #greet(): void {
    const { host, port, token } = this.#target
    const lines = [
      'GET /v1/stream HTTP/1.1',
      `Host: ${host}:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Protocol: ticker.v1.json',
      `Authorization: Bearer ${token}`,
    ]
    this.#socket.write(lines.join('\r\n') + headerEnd)
  }

  #take(buffer: Buffer, length: number): void {
    if (this.#head === undefined) {
      this.#reader.take(buffer, length)
      return
    }
    this.#head += buffer.toString('latin1', 0, length)
    const end = this.#head.indexOf(headerEnd)
    if (end < 0) return
    if (!this.#head.startsWith('HTTP/1.1 101 ')) {
      this.cut()
      return
    }
    const rest = Buffer.from(this.#head.slice(end + headerEnd.length), 'latin1')
    this.#head = undefined
    this.#reader.take(rest, rest.length)
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
