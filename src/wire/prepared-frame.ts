import { constants, deflateRawSync } from 'node:zlib'

/** First bytes of the WebSocket frames that the gateway prepares: final, with the opcode (RFC 6455 §5.2). */
const firstBytes = { text: 0x81, binary: 0x82 } as const
/** The bit of a compressed payload (RFC 7692 §6). */
const rsv1 = 0x40
/** Shorter payloads are not compressed. */
const minDeflatedBytes = 1024
/**
 * The bits of the compression window, which a handshake can ask of every client. Each message begins with an
 * empty window, so all clients get the same bytes.
 */
export const deflateWindowBits = 12
/**
 * A fast level, since frames are compressed within a flush: market data shrinks to a seventh at any level.
 */
const deflateOptions = {
  level: 1,
  memLevel: 5,
  windowBits: deflateWindowBits,
  finishFlush: constants.Z_SYNC_FLUSH,
}
/** Bytes compressed since the start: before, and after. */
export const deflateCounts = { plain: 0, compressed: 0 }
/** The end of a flushed block, which is not sent (RFC 7692 §7.2.1). */
const flushTailBytes = 4

/**
 * Bytes to send, framed once for a WebSocket and shared by every receiver. Header and payload lie in one
 * buffer, so that sending takes one write. Its maker fills the payload before anyone else sees it.
 */
export class PreparedFrame {
  readonly #frame: Buffer
  /** Where the payload begins in the frame. */
  readonly start: number
  #isShared = false
  #deflated: Buffer | undefined

  /** Allocated in `memory`, the frame is valid until that is reused. */
  constructor(opcode: keyof typeof firstBytes, payloadBytes: number, memory?: FrameMemory) {
    this.start = headerBytes(payloadBytes)
    const bytes = this.start + payloadBytes
    this.#frame = memory === undefined ? Buffer.allocUnsafe(bytes) : memory.allocate(bytes)
    writeHeader(this.#frame, firstBytes[opcode], payloadBytes)
  }

  get payload(): Buffer {
    return this.#frame.subarray(this.start)
  }

  /** Returns one unmasked, final WebSocket frame. */
  framed(): Buffer {
    return this.#frame
  }

  /** States that several subscribers get the frame, so that compressing it is worth its while. */
  share(): void {
    this.#isShared = true
  }

  /**
   * Returns the frame for a client that takes compressed messages: compressed, once for all clients, where
   * that is worth its while.
   */
  deflated(): Buffer {
    if (!this.#isShared || this.#frame[0] !== firstBytes.text) return this.#frame
    if (this.#frame.length - this.start < minDeflatedBytes) return this.#frame
    return (this.#deflated ??= deflate(this.payload))
  }
}

function deflate(payload: Buffer): Buffer {
  const body = deflateRawSync(payload, deflateOptions)
  const length = body.length - flushTailBytes
  const start = headerBytes(length)
  const frame = Buffer.allocUnsafe(start + length)
  writeHeader(frame, firstBytes.text | rsv1, length)
  body.copy(frame, start, 0, length)
  deflateCounts.plain += payload.length
  deflateCounts.compressed += length
  return frame
}

function headerBytes(payloadBytes: number): number {
  return payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10
}

function writeHeader(frame: Buffer, firstByte: number, payloadBytes: number): void {
  frame[0] = firstByte
  if (payloadBytes < 126) {
    frame[1] = payloadBytes
  } else if (payloadBytes < 65_536) {
    frame[1] = 126
    frame.writeUInt16BE(payloadBytes, 2)
  } else {
    frame[1] = 127
    frame.writeUInt32BE(0, 2)
    frame.writeUInt32BE(payloadBytes, 6)
  }
}

export function binaryFrame(bytes: Uint8Array, memory?: FrameMemory): PreparedFrame {
  const frame = new PreparedFrame('binary', bytes.length, memory)
  frame.framed().set(bytes, frame.start)
  return frame
}

export function textFrame(text: string): PreparedFrame {
  const frame = new PreparedFrame('text', Buffer.byteLength(text))
  frame.framed().write(text, frame.start)
  return frame
}

const slabBytes = 262_144

/**
 * Memory for frames that are written soon after they are made. Written frames are overwritten, unless they
 * are still to be sent. With a buffer for each frame, memory outside of V8's heap would grow by megabytes a
 * flush, and V8 would mark the whole heap again and again to free it: a fifth of the CPU with 1,000 watch
 * lists (docs/performance.md).
 */
export class FrameMemory {
  #slab = Buffer.allocUnsafeSlow(slabBytes)
  #end = 0
  /** Frames before this are still to be sent. */
  #kept = 0

  /** The bytes allocated since the last `reuse`. */
  get allocated(): number {
    return this.#end - this.#kept
  }

  /** Returns so many bytes, uninitialized, valid until `reuse`. */
  allocate(bytes: number): Buffer {
    if (bytes > slabBytes) return Buffer.allocUnsafeSlow(bytes)
    if (this.#end + bytes > slabBytes) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes)
      this.#end = 0
      this.#kept = 0
    }
    const start = this.#end
    this.#end += bytes
    return this.#slab.subarray(start, this.#end)
  }

  /** Keeps everything that was allocated so far: it is in use for longer. */
  keep(): void {
    this.#kept = this.#end
  }

  /** Frees everything that was allocated and not kept. */
  reuse(): void {
    this.#end = this.#kept
  }
}
