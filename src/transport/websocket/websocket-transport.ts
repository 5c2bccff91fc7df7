import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { CloseCode } from '../../protocol/close-code.ts'
import type { Transport, Written } from '../../session/transport.ts'
import type { PreparedFrame } from '../../wire/prepared-frame.ts'
import type { WireForm } from '../../wire/wire-form.ts'

export interface WebSocketTransportOptions {
  readonly webSocket: WebSocket
  /** The upgraded socket under it. */
  readonly socket: Socket
  readonly form: WireForm
  /** Node's own queue beyond which nothing more is taken. */
  readonly maxUnsentBytes: number
  /** How long a peer has to take the farewell and to close. */
  readonly closeTimeoutMs: number
}

/** `WebSocket.OPEN`. */
const open = 1
/** A peer that sends more than this after its end is not read any more. */
const maxBytesAfterEnd = 262_144

/**
 * A WebSocket under a session. Prepared frames go straight to the upgraded socket (0.8 of the CPU of
 * `ws.send`, an eighth of its allocations: shared FACTS), also compressed ones; `ws` keeps receiving, pings and closing. That is safe as
 * long as `ws` never compresses on this socket, since its deflate is asynchronous and would reorder: nothing is sent by `ws.send`.
 */
export class WebSocketTransport implements Transport {
  readonly form: WireForm
  // Fields of its own, not one of options: a delivery finds them where nothing is in the processor's cache.
  readonly #socket: Socket
  readonly #webSocket: WebSocket
  readonly #maxUnsentBytes: number
  readonly #closeTimeoutMs: number
  #frames = 0
  #bytes = 0
  /** Whether the client agreed to `permessage-deflate`. */
  readonly #takesDeflated: boolean
  #isAnswering = true
  #pongs = 0
  #isClosing = false

  constructor({ form, socket, webSocket, maxUnsentBytes, closeTimeoutMs }: WebSocketTransportOptions) {
    this.form = form
    this.#socket = socket
    this.#webSocket = webSocket
    this.#maxUnsentBytes = maxUnsentBytes
    this.#closeTimeoutMs = closeTimeoutMs
    this.#takesDeflated = webSocket.extensions.includes('permessage-deflate')
  }

  /** Frames and bytes written, for the line that is logged at the end. */
  get written(): { readonly frames: number; readonly bytes: number } {
    return { frames: this.#frames, bytes: this.#bytes }
  }

  get hasRoom(): boolean {
    return !this.#socket.writableNeedDrain
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  get signsOfLife(): number {
    return this.#bytes - this.unsentBytes + this.#pongs
  }

  onDrain(listener: () => void): void {
    this.#socket.on('drain', listener)
  }

  write(block: PreparedFrame, mostUnsentBytes = this.#maxUnsentBytes): Written {
    const socket = this.#socket
    if (socket.writableLength > mostUnsentBytes) return 'congested'
    // After a close frame nothing may follow (RFC 6455 §5.5.1), whoever sent it.
    if (this.#webSocket.readyState !== open) return 'taken'
    const frame = this.#takesDeflated ? block.deflated() : block.framed()
    socket.write(frame)
    this.#frames++
    this.#bytes += frame.length
    return socket.writableLength === 0 ? 'taken' : 'written'
  }

  close(why: CloseCode, farewell?: PreparedFrame): void {
    if (this.#isClosing) return
    const webSocket = this.#webSocket
    const socket = this.#socket
    if (farewell !== undefined && webSocket.readyState === open) socket.write(farewell.framed())
    this.#isClosing = true
    webSocket.close(why.code, why.reason)
    const timeout = setTimeout(() => webSocket.terminate(), this.#closeTimeoutMs)
    webSocket.once('close', () => clearTimeout(timeout))
    const mostBytes = socket.bytesRead + maxBytesAfterEnd
    socket.on('data', () => {
      if (socket.bytesRead > mostBytes) webSocket.pause()
    })
  }

  /** Ends the connection at once, whatever its peer has answered. */
  terminate(): void {
    this.#webSocket.terminate()
  }

  /** A pong has come. */
  answered(): void {
    this.#isAnswering = true
    this.#pongs++
  }

  /** Asks the peer for a sign of life; false when it did not answer the last time. */
  probe(): boolean {
    if (!this.#isAnswering) return false
    this.#isAnswering = false
    this.#webSocket.ping()
    return true
  }
}
