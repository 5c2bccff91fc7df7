import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { type CloseReason, closeReasonTerms } from '../../protocol/close-reason.ts'
import type { Farewell, Transport, TransportTraits, Written } from '../../session/transport.ts'
import type { Payload } from '../../wire/payload.ts'
import type { WireForm } from '../../wire/wire-form.ts'
import { closeCodes } from './close-codes.ts'
import { deflatedFrame, plainFraming } from './websocket-framing.ts'

export interface WebSocketTransportOptions {
  readonly webSocket: WebSocket
  /** The upgraded socket under it. */
  readonly socket: Socket
  readonly form: WireForm
  /** Nothing more is written while Node's own queue is longer. */
  readonly maxUnsentBytes: number
  /** How long a peer may take for the farewell and for closing. */
  readonly closeTimeoutMs: number
}

const traits: TransportTraits = {
  name: 'websocket',
  maxMessageBytes: Infinity,
  isOrdered: true,
  hasUpstream: true,
}
/** `WebSocket.OPEN`. */
const open = 1
/** A peer that sends more after the close frame is not read any more. */
const maxBytesAfterClose = 262_144

/**
 * A WebSocket under a session. Frames, also compressed ones, go straight to the upgraded socket:
 * that takes 0.8 of the CPU of `ws.send` and an eighth of its allocations. `ws` keeps receiving, pings and
 * closing. That is safe as long as nothing is sent by `ws.send`, whose asynchronous compression would reorder
 * frames.
 */
export class WebSocketTransport implements Transport {
  readonly traits = traits
  readonly form: WireForm
  // Own fields, not one options object: a delivery finds them when nothing is in the processor's cache.
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
    return this.#socket.bytesWritten - this.unsentBytes + this.#pongs
  }

  onDrain(listener: () => void): void {
    this.#socket.on('drain', listener)
  }

  write(payload: Payload, maxUnsentBytes = this.#maxUnsentBytes): Written {
    const socket = this.#socket
    if (socket.writableLength > maxUnsentBytes) return 'congested'
    // After a close frame nothing may follow (RFC 6455 §5.5.1), whoever sent it.
    if (this.#webSocket.readyState !== open) return 'taken'
    socket.write(this.#takesDeflated ? deflatedFrame(payload) : payload.framed(plainFraming))
    this.#frames++
    this.#bytes += payload.length
    return socket.writableLength === 0 ? 'taken' : 'written'
  }

  /** The connection began with its handshake. */
  opened(): void {}

  close(reason: CloseReason, farewell?: Farewell): void {
    if (this.#isClosing) return
    const webSocket = this.#webSocket
    const socket = this.#socket
    if (farewell?.payload !== undefined && webSocket.readyState === open) {
      socket.write(farewell.payload.framed(plainFraming))
    }
    this.#isClosing = true
    webSocket.close(closeCodes[reason], closeReasonTerms[reason].text)
    const timeout = setTimeout(() => webSocket.terminate(), this.#closeTimeoutMs)
    webSocket.once('close', () => clearTimeout(timeout))
    const mostBytes = socket.bytesRead + maxBytesAfterClose
    socket.on('data', () => {
      if (socket.bytesRead > mostBytes) webSocket.pause()
    })
  }

  /** Ends the connection at once. */
  terminate(): void {
    this.#webSocket.terminate()
  }

  /** Notes that a pong has come. */
  answered(): void {
    this.#isAnswering = true
    this.#pongs++
  }

  /** Sends a ping. Returns false if the last one was not answered. */
  probe(): boolean {
    if (!this.#isAnswering) return false
    this.#isAnswering = false
    this.#webSocket.ping()
    return true
  }
}
