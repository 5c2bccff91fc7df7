/** First bytes of the WebSocket frames that the gateway prepares: final, with the opcode (RFC 6455 §5.2). */
const firstBytes = { text: 0x81, binary: 0x82 } as const

/**
 * Bytes to send, prepared once and shared by every receiver, already framed for a WebSocket: header and payload lie
 * in one buffer, so that sending them is one write. Whoever makes a block fills its payload before anyone else sees it.
 */
export class Block {
  readonly #frame: Buffer
  /** Where the payload begins in the frame. */
  readonly start: number

  constructor(opcode: keyof typeof firstBytes, payloadBytes: number) {
    this.start = payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10
    this.#frame = Buffer.allocUnsafe(this.start + payloadBytes)
    this.#frame[0] = firstBytes[opcode]
    if (this.start === 2) {
      this.#frame[1] = payloadBytes
    } else if (this.start === 4) {
      this.#frame[1] = 126
      this.#frame.writeUInt16BE(payloadBytes, 2)
    } else {
      this.#frame[1] = 127
      this.#frame.writeUInt32BE(0, 2)
      this.#frame.writeUInt32BE(payloadBytes, 6)
    }
  }

  get payload(): Buffer {
    return this.#frame.subarray(this.start)
  }

  /** One unmasked, final WebSocket frame. */
  framed(): Buffer {
    return this.#frame
  }
}

/** A text block. */
export function textBlock(text: string): Block {
  const block = new Block('text', Buffer.byteLength(text))
  block.framed().write(text, block.start)
  return block
}
