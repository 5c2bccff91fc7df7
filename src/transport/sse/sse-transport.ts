import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type CloseReason, closeReasonTerms } from '../../protocol/close-reason.ts'
import type { ServerMessage } from '../../protocol/server-message.ts'
import type { Farewell, Transport, TransportTraits, Written } from '../../session/transport.ts'
import type { Payload } from '../../wire/payload.ts'
import type { WireForm } from '../../wire/wire-form.ts'
import type { CursorTracker } from './cursor-tracker.ts'
import { addEvent, type BodyForm, type EventFraming } from './event-framing.ts'
import { GzipChecksum, gzipHead } from './gzip-format.ts'

export interface SseTransportOptions {
  readonly response: ServerResponse
  /** The socket under the response, whose turn it is. */
  readonly socket: Socket
  readonly form: WireForm
  readonly tracker: CursorTracker
  /** The header fields of the response. */
  readonly headers: Readonly<Record<string, string>>
  readonly isCompressed: boolean
  readonly framingOf: (form: BodyForm) => EventFraming
  /** Nothing more is written while Node's own queue is longer. */
  readonly maxUnsentBytes: number
  /** How long a peer may take for the last bytes. */
  readonly closeTimeoutMs: number
  /** Answers a request whose session ended before the response began. */
  readonly refuse: (reason: CloseReason, farewell: Farewell | undefined) => void
  /** Called when the session ends, before its last bytes are sent. */
  readonly onClose: (reason: CloseReason) => void
  /** Returns 0 to below 1. */
  readonly random: () => number
}

const traits: TransportTraits = {
  name: 'sse',
  maxMessageBytes: Number.POSITIVE_INFINITY,
  isOrdered: true,
  hasUpstream: false,
}

/** How long a client waits before it connects again: within these bounds in ms, at random. */
const retryMs = {
  usually: [1000, 3000],
  /** Another node is ready, and the closes of this one are spread already. */
  draining: [100, 1000],
  /** The client should not come back; clients that do not know that should at least not hurry. */
  final: [60_000, 120_000],
} as const

/** What a client may send after its request, such as the next one: more ends the connection. */
const maxBytesAfterRequest = 16_384

/**
 * A response of server-sent events under a session (HTML Standard §9.2). Its head is sent when the session
 * has acknowledged its subscription; what was written before follows it. Events go straight to the socket
 * after Node has sent the head.
 */
export class SseTransport implements Transport {
  readonly traits = traits
  readonly form: WireForm
  readonly #options: SseTransportOptions
  // Own fields, as in the transport of WebSockets: a delivery needs them.
  readonly #socket: Socket
  readonly #tracker: CursorTracker
  readonly #maxUnsentBytes: number
  #checksum: GzipChecksum | undefined
  /** Set while events are written. */
  #framing: EventFraming | undefined
  /** Written before the head; `undefined` after it. */
  #held: Payload[] | undefined = []
  #frames = 0
  #bytes = 0
  #socketBytes = 0
  readonly #mostBytesRead: number
  #drainListener: (() => void) | undefined
  #isToldOfIds = false

  constructor(options: SseTransportOptions) {
    const { form, socket, tracker, maxUnsentBytes } = options
    this.form = form
    this.#options = options
    this.#socket = socket
    this.#tracker = tracker
    this.#maxUnsentBytes = maxUnsentBytes
    this.#mostBytesRead = socket.bytesRead + maxBytesAfterRequest
    socket.on('data', this.#limitInput)
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
    return this.#socketBytes - this.unsentBytes
  }

  onDrain(listener: () => void): void {
    this.#drainListener = listener
    this.#socket.on('drain', listener)
  }

  write(payload: Payload, maxUnsentBytes = this.#maxUnsentBytes): Written {
    if (this.#held !== undefined) {
      this.#held.push(payload)
      return 'written'
    }
    const socket = this.#socket
    if (socket.writableLength > maxUnsentBytes) return 'congested'
    this.#send(payload)
    // The event has a copy of the payload.
    return 'taken'
  }

  opened(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    const { response, headers, isCompressed, framingOf } = this.#options
    const socket = this.#socket
    // One write for the head and what follows it.
    socket.cork()
    process.nextTick(() => socket.uncork())
    response.writeHead(200, headers)
    response.flushHeaders()
    const framing = framingOf({ isChunked: response.chunkedEncoding, isCompressed })
    this.#framing = framing
    if (isCompressed) {
      this.#checksum = new GzipChecksum()
      this.#push(framing.wrap(gzipHead))
    }
    this.#tellRetry(retryMs.usually)
    for (const payload of held) this.#send(payload)
  }

  close(reason: CloseReason, farewell?: Farewell): void {
    const { response, refuse, closeTimeoutMs, onClose } = this.#options
    onClose(reason)
    if (this.#held !== undefined) {
      this.#held = undefined
      refuse(reason, farewell)
    } else if (this.#framing !== undefined) {
      if (farewell?.payload !== undefined) this.#send(farewell.payload)
      if (reason === 'draining') this.#tellRetry(retryMs.draining)
      else if (closeReasonTerms[reason].client === 'stop') this.#tellRetry(retryMs.final)
      this.#say({ kind: 'closing', reason })
      if (this.#checksum !== undefined) this.#push(this.#framing.wrap(this.#checksum.end()))
      this.#framing = undefined
      response.end()
    } else {
      return
    }
    const socket = this.#socket
    const timeout = setTimeout(() => socket.destroy(), closeTimeoutMs)
    response.once('close', () => clearTimeout(timeout))
    // The client of a node that leaves must not ask this one again on the same connection.
    if (reason === 'draining') response.once('finish', () => socket.destroySoon())
  }

  /** Leaves the socket to the next request. Call it when the response is over. */
  release(): void {
    this.#held = undefined
    this.#framing = undefined
    this.#socket.off('data', this.#limitInput)
    if (this.#drainListener !== undefined) this.#socket.off('drain', this.#drainListener)
  }

  /** Ends the connection at once. */
  terminate(): void {
    this.#socket.destroy()
  }

  #send(payload: Payload): void {
    const framing = this.#framing
    const socket = this.#socket
    // Node ends its side when the peer has ended its own.
    if (framing === undefined || !socket.writable) return
    const event = framing.frame(payload, this.#tracker.follow(payload))
    if (this.#checksum !== undefined) addEvent(this.#checksum, event)
    this.#push(event.bytes)
    framing.settle(socket.writableLength === 0)
    this.#frames++
    this.#bytes += payload.length
    if (this.#tracker.isTooLong && !this.#isToldOfIds) this.#tellOfIds()
  }

  #say(message: ServerMessage): void {
    const payload = this.form.message(message)
    if (payload !== undefined) this.#send(payload)
  }

  #push(bytes: Buffer): void {
    if (!this.#socket.writable) return
    this.#socket.write(bytes)
    this.#socketBytes += bytes.length
  }

  #tellRetry([least, most]: readonly [number, number]): void {
    const ms = Math.round(least + (most - least) * this.#options.random())
    this.#tell(`retry: ${ms}\n\n`)
  }

  #tellOfIds(): void {
    this.#isToldOfIds = true
    this.#say({ kind: 'noEventIds' })
  }

  #tell(text: string): void {
    if (this.#framing === undefined) return
    this.#checksum?.add(text)
    this.#push(this.#framing.text(text))
  }

  /** Node goes on parsing requests, whose answers wait for the end of this one. */
  readonly #limitInput = (): void => {
    if (this.#socket.bytesRead > this.#mostBytesRead) this.terminate()
  }
}
