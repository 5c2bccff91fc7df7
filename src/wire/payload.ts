import { constants, deflateRawSync } from 'node:zlib'
import type { ServerMessage } from '../protocol/server-message.ts'
import type { PayloadMemory } from './payload-memory.ts'

/** Free bytes in front of every payload: the longest header of a WebSocket message (RFC 6455 §5.2). */
export const headerRoom = 10
/** Shorter payloads are not compressed. */
const minDeflatedBytes = 1024
/**
 * The bits of the compression window. Each payload begins with an empty window, so that all clients get the
 * same bytes.
 */
export const deflateWindowBits = 12
/**
 * A fast level, since payloads are compressed within a flush: market data shrinks to a seventh at any level.
 */
const deflateOptions = {
  level: 1,
  memLevel: 5,
  windowBits: deflateWindowBits,
  finishFlush: constants.Z_SYNC_FLUSH,
}
/** The empty block at the end of a flush (RFC 1951 §3.2.4). */
export const flushTailBytes = 4

/** Bytes compressed since the start: before, and after. */
export interface DeflateCounts {
  plain: number
  compressed: number
}

/** How one transport puts payloads on its wire. */
export interface Framing {
  /**
   * Returns the payload with what the transport puts around it. Only one kind of framing may write into the
   * room in front, since its bytes may be on their way: others copy the payload.
   */
  frame(payload: Payload): Buffer
}

/**
 * An encoded message to send, shared by every receiver. It knows nothing of the transports. A header fits in
 * front, so that sending takes one write and no copy. Its maker fills it before anyone else sees it.
 */
export class Payload {
  readonly kind: 'text' | 'binary'
  /** The payload is `buffer[start, end)`. Bytes outside belong to others, but for the room in front. */
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  /** The length of the coverage message before the closing bracket of a text; 0 if there is none. */
  coverageBytes = 0
  /** The message that is encoded, if it is one message of the server and nothing else. */
  message: ServerMessage | undefined
  #sharedBy: DeflateCounts | undefined
  #deflated: Payload | undefined
  /** As one transport sends it. */
  #framing: Framing | undefined
  #frame: Buffer | undefined

  /** Allocated in `memory`, the payload is valid until that is reused. */
  constructor(kind: 'text' | 'binary', length: number, memory?: PayloadMemory) {
    const bytes = headerRoom + length
    this.kind = kind
    this.buffer = memory === undefined ? Buffer.allocUnsafe(bytes) : memory.allocate(bytes)
    this.start = (memory === undefined ? 0 : memory.start) + headerRoom
    this.end = this.start + length
  }

  get length(): number {
    return this.end - this.start
  }

  /** Returns a view of the payload alone. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.start, this.end)
  }

  /** Returns the payload as a transport sends it, made once for the receivers that follow each other. */
  framed(framing: Framing): Buffer {
    if (this.#framing === framing && this.#frame !== undefined) return this.#frame
    this.#framing = framing
    this.#frame = framing.frame(this)
    return this.#frame
  }

  /** States that several subscribers get the payload, so that compressing it is worth its while. */
  share(counts: DeflateCounts): void {
    this.#sharedBy = counts
  }

  /**
   * Returns the payload compressed once for all receivers: raw deflate from an empty window, up to and with
   * the empty block of a flush. `undefined` where that is not worth its while.
   */
  deflated(): Payload | undefined {
    if (this.#sharedBy === undefined || this.kind === 'binary' || this.length < minDeflatedBytes)
      return undefined
    return (this.#deflated ??= deflate(this, this.#sharedBy))
  }
}

function deflate(payload: Payload, counts: DeflateCounts): Payload {
  const body = deflateRawSync(payload.bytes, deflateOptions)
  const deflated = new Payload(payload.kind, body.length)
  deflated.buffer.set(body, deflated.start)
  counts.plain += payload.length
  counts.compressed += body.length - flushTailBytes
  return deflated
}

export function binaryPayload(bytes: Uint8Array, memory?: PayloadMemory): Payload {
  const payload = new Payload('binary', bytes.length, memory)
  payload.buffer.set(bytes, payload.start)
  return payload
}

export function textPayload(text: string): Payload {
  const payload = new Payload('text', Buffer.byteLength(text))
  payload.buffer.write(text, payload.start)
  return payload
}
