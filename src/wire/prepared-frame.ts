import { constants, deflateRawSync } from 'node:zlib'

/** First bytes of the WebSocket frames that the gateway prepares: final, with the opcode (RFC 6455 §5.2). */
const firstBytes = { text: 0x81, binary: 0x82 } as const
/** That the payload is compressed (RFC 7692 §6). */
const rsv1 = 0x40
/** What is shorter is not worth it. */
const leastDeflatedBytes = 1024
/**
 * Fast, since it is done within a flush: market data shrinks to a seventh at any level. The window is one that every client can be
 * told of (`deflateWindowBits`), and each message begins with an empty one, so that what one client gets is what all get.
 */
export const deflateWindowBits = 12
const deflateOptions = {
  level: 1,
  memLevel: 5,
  windowBits: deflateWindowBits,
  finishFlush: constants.Z_SYNC_FLUSH,
}
/** Of what was compressed since start, in bytes: before, and after. */
export const deflateCounts = { plain: 0, compressed: 0 }
/** The end of a flushed block, which is not sent (RFC 7692 §7.2.1). */
const flushTailBytes = 4

/**
 * Bytes to send, prepared once and shared by every receiver, already framed for a WebSocket: header and payload lie
 * in one buffer, so that sending them is one write. Whoever makes a block fills its payload before anyone else sees it.
 */
export class PreparedFrame {
  readonly #frame: Buffer
  /** Where the payload begins in the frame. */
  readonly start: number
  #isShared = false
  #deflated: Buffer | undefined

  /** With `memory`, it is good for as long as what is taken there. */
  constructor(opcode: keyof typeof firstBytes, payloadBytes: number, memory?: FrameMemory) {
    this.start = headerBytes(payloadBytes)
    const bytes = this.start + payloadBytes
    this.#frame = memory === undefined ? Buffer.allocUnsafe(bytes) : memory.take(bytes)
    writeHeader(this.#frame, firstBytes[opcode], payloadBytes)
  }

  get payload(): Buffer {
    return this.#frame.subarray(this.start)
  }

  /** One unmasked, final WebSocket frame. */
  framed(): Buffer {
    return this.#frame
  }

  /** States that it goes to several subscribers, so that it is worth compressing. */
  share(): void {
    this.#isShared = true
  }

  /** The same for a client that takes compressed messages: compressed, once for all of them, where that is worth it. */
  deflated(): Buffer {
    if (!this.#isShared || this.#frame[0] !== firstBytes.text) return this.#frame
    if (this.#frame.length - this.start < leastDeflatedBytes) return this.#frame
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

/** A binary block. */
export function binaryFrame(bytes: Uint8Array, memory?: FrameMemory): PreparedFrame {
  const block = new PreparedFrame('binary', bytes.length, memory)
  block.framed().set(bytes, block.start)
  return block
}

/** A text block. */
export function textFrame(text: string): PreparedFrame {
  const block = new PreparedFrame('text', Buffer.byteLength(text))
  block.framed().write(text, block.start)
  return block
}

const slabBytes = 262_144

/**
 * Memory for frames that are written soon after they are made: what was written is written over, unless it is still to be sent.
 * With a buffer for each frame the memory outside of V8's heap grows by megabytes a flush, and V8 marks the whole heap again and
 * again to free it: a fifth of the CPU with 1,000 watch lists (docs/performance.md).
 */
export class FrameMemory {
  #slab = Buffer.allocUnsafeSlow(slabBytes)
  #end = 0
  /** Before this, something is still to be sent. */
  #kept = 0

  /** Bytes taken since the last `reuse`. */
  get taken(): number {
    return this.#end - this.#kept
  }

  /** So many bytes, with whatever is in them; good until `reuse` is called. */
  take(bytes: number): Buffer {
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

  /** What was taken so far is in use for longer. */
  keep(): void {
    this.#kept = this.#end
  }

  /** What was taken and not kept may be written over. */
  reuse(): void {
    this.#end = this.#kept
  }
}
