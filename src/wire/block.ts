/** WebSocket opcodes (RFC 6455 §5.2) of the frames that the gateway prepares. */
export const opcodes = { text: 0x81, binary: 0x82 } as const

export type Opcode = keyof typeof opcodes

/**
 * Bytes to send, prepared once and shared by every receiver: as they are (`payload`) and framed for a
 * WebSocket. Nobody writes to them after `seal`.
 */
export class Block {
  readonly #frame: Buffer
  readonly #headerBytes: number

  constructor(frame: Buffer, headerBytes: number) {
    this.#frame = frame
    this.#headerBytes = headerBytes
  }

  get payload(): Buffer {
    return this.#frame.subarray(this.#headerBytes)
  }

  /** One unmasked, final WebSocket frame. */
  framed(): Buffer {
    return this.#frame
  }
}

/**
 * A block of `payloadBytes` bytes that `fill` writes, from the offset it is given; header and payload lie in one buffer, so that
 * sending it is one write.
 */
export function makeBlock(
  opcode: Opcode,
  payloadBytes: number,
  fill: (frame: Buffer, offset: number) => void,
): Block {
  const headerBytes = payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(headerBytes + payloadBytes)
  frame[0] = opcodes[opcode]
  if (headerBytes === 2) {
    frame[1] = payloadBytes
  } else if (headerBytes === 4) {
    frame[1] = 126
    frame.writeUInt16BE(payloadBytes, 2)
  } else {
    frame[1] = 127
    frame.writeUInt32BE(0, 2)
    frame.writeUInt32BE(payloadBytes, 6)
  }
  fill(frame, headerBytes)
  return new Block(frame, headerBytes)
}

/** A text block. */
export function textBlock(text: string): Block {
  return makeBlock('text', Buffer.byteLength(text), (frame, offset) => void frame.write(text, offset))
}
