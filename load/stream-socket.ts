import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { FrameReader } from './frame-reader.ts'

/** Where a subscriber connects. */
export interface StreamTarget {
  readonly host: string
  readonly port: number
  /** How it opens the stream; absent, it only receives, as from the floor server. */
  readonly opening?: { readonly token: string; readonly subscribe: object }
}

const headerEnd = '\r\n\r\n'
const textOpcode = 0x81
const maskBit = 0x80

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

  private constructor({ host, port, opening }: StreamTarget, buffer: Buffer) {
    const callback = (length: number): boolean => {
      this.#take(buffer, length)
      return true
    }
    this.#head = opening === undefined ? undefined : ''
    this.#socket = connect({ host, port, noDelay: true, onread: { buffer, callback } })
    this.gone = new Promise(resolve => {
      this.#socket.once('close', () => resolve())
    })
    this.#socket.on('error', () => undefined)
  }

  /** Connects and, where the target says how, subscribes. `buffer` is for all sockets: nothing is kept in it. */
  static async open(target: StreamTarget, buffer: Buffer): Promise<StreamSocket> {
    const stream = new StreamSocket(target, buffer)
    await once(stream.#socket, 'connect')
    if (target.opening !== undefined) {
      await stream.#upgrade(target, target.opening.token)
      await stream.#subscribe(target.opening.subscribe)
    }
    return stream
  }

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
    const rest = Buffer.from(this.#head.slice(end + headerEnd.length), 'latin1')
    this.#onHead(this.#head.slice(0, end))
    this.#head = undefined
    this.reader.take(rest, rest.length)
  }

  async #upgrade({ host, port }: StreamTarget, token: string): Promise<void> {
    const answered = Promise.withResolvers<string>()
    this.#onHead = answered.resolve
    const authenticated = this.#message('"authenticated"')
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
    const head = await answered.promise
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the handshake was refused: ${head}`)
    await authenticated
  }

  async #subscribe(subscribe: object): Promise<void> {
    const acknowledged = this.#message('"T":"subscription"')
    this.#socket.write(clientFrame(JSON.stringify({ action: 'subscribe', ...subscribe })))
    await acknowledged
  }

  /** Resolves at the first message that contains `text`; rejects at an error message and when the connection ends. */
  async #message(text: string): Promise<void> {
    const found = Promise.withResolvers<void>()
    this.reader.onFrame = payload => {
      const message = payload.toString('utf8')
      if (message.includes(text)) found.resolve()
      else if (message.includes('"T":"error"')) found.reject(new Error(message))
    }
    const ended = this.gone.then(() => {
      throw new Error(`the connection ended before ${text}`)
    })
    await Promise.race([found.promise, ended])
    this.reader.onFrame = undefined
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
