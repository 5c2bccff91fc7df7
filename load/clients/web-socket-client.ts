import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { StreamReader } from './chunk-reader.ts'

/** The address of a server. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** Over TLS the certificate is not checked. */
  readonly isTls: boolean
}

/** The gateway's stream. */
export const streamPath = '/v1/stream'

export function streamHeaders(token: string, form: string): string[] {
  return [`Sec-WebSocket-Protocol: ${form}`, `Authorization: Bearer ${token}`]
}

const headerEnd = '\r\n\r\n'
const textOpcode = 0x81
const maskBit = 0x80
/** The gateway pings without a payload, so the pong has none (RFC 6455 §5.5.3). */
const emptyPong = Buffer.from([0x8a, maskBit, 0, 0, 0, 0])

/**
 * A WebSocket, or a request for server-sent events, by hand on a plain socket, as cheap as can be, so that
 * one core carries hundreds: all sockets read into one buffer, without Node's streams in between.
 */
export class WebSocketClient {
  readonly reader: StreamReader
  /** Resolves when the connection is gone, whoever ended it, with what is known of the reason. */
  readonly gone: Promise<string>
  readonly #address: ServerAddress
  readonly #socket: Socket
  #head: string | undefined = ''
  #onHead: (head: string) => void = () => undefined

  /**
   * Connects at once. All clients may read into the same `buffer`: nothing is kept in it. The reader of
   * frames also answers pings.
   */
  constructor(address: ServerAddress, buffer: Buffer, reader: StreamReader = new FrameReader()) {
    this.#address = address
    this.reader = reader
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
    if (reader instanceof FrameReader) reader.onPing = () => this.#socket.write(emptyPong)
  }

  /** Resolves after the opening handshake (RFC 6455 §4); rejects where that is refused. */
  async upgrade(path: string, headers: readonly string[] = []): Promise<void> {
    const head = await this.#request(path, [
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...headers,
    ])
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the handshake was refused: ${head}`)
  }

  /** Asks for a body that goes on; resolves when it begins, and rejects where it is refused. */
  async ask(path: string, headers: readonly string[]): Promise<void> {
    const head = await this.#request(path, headers)
    if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`the request was refused: ${head}`)
  }

  /** Sends a request; returns the head of its answer. */
  async #request(path: string, headers: readonly string[]): Promise<string> {
    const { host, port, isTls } = this.#address
    await Promise.race([
      once(this.#socket, isTls ? 'secureConnect' : 'connect'),
      this.endsBefore('connecting'),
    ])
    const answered = Promise.withResolvers<string>()
    this.#onHead = answered.resolve
    const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}:${port}`, ...headers]
    this.#socket.write(lines.join('\r\n') + headerEnd)
    return await Promise.race([answered.promise, this.endsBefore('the answer')])
  }

  /** Rejects when the connection ends. */
  async endsBefore(what: string): Promise<never> {
    const reason = await this.gone
    throw new Error(`the connection ended before ${what}: ${reason.slice(0, 200)}`)
  }

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
    this.#head = /^HTTP\/1\.1 (?:101|200) /.test(head) ? undefined : this.#head
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

/** A WebSocket frame's header (RFC 6455 §5.2) is at most this long, unmasked. */
const maxHeaderBytes = 10
const pingOpcode = 0x9

/**
 * Splits what one WebSocket connection receives into frames. Without a listener for payloads it reads only
 * the headers, so that hundreds of connections cost a core as little as possible.
 */
export class FrameReader implements StreamReader {
  /** Whole frames so far. */
  frames = 0
  /** Bytes so far, headers included. */
  bytes = 0
  /** Given the payload of each frame from now on, valid during the call, and the length of the frame. */
  onFrame: ((payload: Buffer, frameBytes: number) => void) | undefined
  /** Told of each ping (RFC 6455 §5.5.2), which is counted in bytes alone. */
  onPing: (() => void) | undefined
  readonly #header = Buffer.alloc(maxHeaderBytes)
  #headerBytes = 0
  #isInPayload = false
  #payloadBytes = 0
  #left = 0
  #pieces: Buffer[] = []

  restart(): void {
    this.frames = 0
    this.bytes = 0
  }

  /** Takes the first `length` bytes of a buffer, which may be used again after the call. */
  take(buffer: Buffer, length: number): void {
    this.bytes += length
    let at = 0
    while (at < length)
      at = this.#isInPayload ? this.#takePayload(buffer, at, length) : this.#takeHeader(buffer, at)
  }

  #takeHeader(buffer: Buffer, at: number): number {
    this.#header[this.#headerBytes++] = buffer[at] ?? 0
    const payloadBytes = this.#headerBytes < 2 ? undefined : this.#declaredBytes()
    if (payloadBytes !== undefined) {
      this.#payloadBytes = payloadBytes
      this.#left = payloadBytes
      this.#isInPayload = true
      if (payloadBytes === 0) this.#end(Buffer.alloc(0))
    }
    return at + 1
  }

  /** The payload's length, once the header is complete. */
  #declaredBytes(): number | undefined {
    const short = (this.#header[1] ?? 0) & 0x7f
    if (short < 126) return short
    if (short === 126) return this.#headerBytes < 4 ? undefined : this.#header.readUInt16BE(2)
    return this.#headerBytes < maxHeaderBytes ? undefined : Number(this.#header.readBigUInt64BE(2))
  }

  #takePayload(buffer: Buffer, at: number, length: number): number {
    const taken = Math.min(this.#left, length - at)
    this.#left -= taken
    const isWhole = this.#left === 0 && taken === this.#payloadBytes
    if (this.onFrame !== undefined && !isWhole)
      this.#pieces.push(Buffer.from(buffer.subarray(at, at + taken)))
    if (this.#left === 0) this.#end(isWhole ? buffer.subarray(at, at + taken) : undefined)
    return at + taken
  }

  #end(payload: Buffer | undefined): void {
    this.#isInPayload = false
    const frameBytes = this.#headerBytes + this.#payloadBytes
    this.#headerBytes = 0
    if (((this.#header[0] ?? 0) & 0x0f) === pingOpcode) {
      this.#pieces = []
      this.onPing?.()
      return
    }
    this.frames++
    if (this.onFrame === undefined) return
    const pieces = this.#pieces
    if (pieces.length > 0) this.#pieces = []
    this.onFrame(payload ?? Buffer.concat(pieces), frameBytes)
  }
}
