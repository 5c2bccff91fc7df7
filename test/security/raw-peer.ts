import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { handshakeHead } from '../support/raw-exchange.ts'
import type { Message } from '../support/stream-client.ts'
import { readFrames } from './frames.ts'
import type { AttackedGateway } from './attacked-gateway.ts'

export { handshakeHead as handshake }

/** A peer that sends whatever bytes it likes, and keeps everything that it receives. */
export class RawPeer {
  readonly socket: Socket
  /** What has come, and was not cut off by `forget`. */
  received = Buffer.alloc(0)
  isGone = false
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk])
      this.#wake()
    })
    socket.on('error', () => undefined)
    socket.once('close', () => {
      this.isGone = true
      this.#wake()
    })
  }

  /** Connects from an address of 127.0.0.0/8. */
  static async connect({ port }: AttackedGateway, from: string): Promise<RawPeer> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from })
    await once(socket, 'connect')
    return new RawPeer(socket)
  }

  /**
   * Connects with a WebSocket handshake, and a token unless it is empty; resolves when it was accepted, or
   * refused.
   */
  static async upgraded(target: AttackedGateway, from: string, token: string, header = ''): Promise<RawPeer> {
    const peer = await RawPeer.connect(target, from)
    const authorization = token === '' ? '' : `\r\nAuthorization: Bearer ${token}`
    peer.send(`${handshakeHead}${authorization}${header === '' ? '' : `\r\n${header}`}\r\n\r\n`)
    await peer.until(() => peer.text.includes('\r\n\r\n'))
    peer.#forgetHead()
    if (token !== '') await peer.until(() => peer.text.includes('authenticated'))
    return peer
  }

  get text(): string {
    return this.received.toString('latin1')
  }

  /** The messages that have come. */
  get messages(): Message[] {
    return readFrames(this.received)
      .filter(({ opcode }) => opcode === 1)
      .flatMap(({ payload }) => JSON.parse(payload.toString('utf8')) as Message[])
  }

  /** The errors that have come, by code. */
  get errors(): unknown[] {
    return this.messages.filter(({ T }) => T === 'error').map(message => message['code'])
  }

  /** The code of the close frame that has come; 1005 where it has none (RFC 6455 §7.1.5). */
  get closeCode(): number | undefined {
    const frame = readFrames(this.received).find(({ opcode }) => opcode === 8)
    if (frame === undefined) return undefined
    return frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE(0)
  }

  send(bytes: Buffer | string): void {
    if (this.socket.writable) this.socket.write(bytes)
  }

  /** Resolves when what has come is as it should be; rejects where the connection ends before. */
  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      if (this.isGone) throw new Error(`the connection ended after: ${this.text.slice(-500)}`)
      await this.#change()
    }
  }

  /**
   * Resolves with the code of the close frame when it has come, `undefined` where the connection ends
   * without.
   */
  async closed(): Promise<number | undefined> {
    while (this.closeCode === undefined && !this.isGone) await this.#change()
    this.leave()
    return this.closeCode
  }

  /** Resolves with everything that has come when the connection is gone. */
  async gone(): Promise<string> {
    while (!this.isGone) await this.#change()
    return this.text
  }

  /** Leaves without a word. */
  leave(): void {
    this.socket.destroy()
  }

  /** Resolves when something has come, or the connection is gone. */
  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  #forgetHead(): void {
    this.received = this.received.subarray(this.text.indexOf('\r\n\r\n') + 4)
  }
}
