/** A frame of RFC 6455 §5.2. */
export interface Frame {
  readonly opcode: number
  readonly payload: Buffer
}

export interface FrameBits {
  /** Text if left out. */
  readonly opcode?: number
  /** True if left out. */
  readonly fin?: boolean
  /** The payload is compressed (RFC 7692). */
  readonly rsv1?: boolean
}

/** A frame as a client sends it: masked, with a key of zeros. */
export function clientFrame(content: string | Buffer, bits: FrameBits = {}): Buffer {
  const { opcode = 1, fin = true, rsv1 = false } = bits
  const payload = Buffer.from(content)
  const first = opcode + (fin ? 0x80 : 0) + (rsv1 ? 0x40 : 0)
  return Buffer.concat([Buffer.from([first]), lengthOf(payload.length), Buffer.alloc(4), payload])
}

function lengthOf(bytes: number): Buffer {
  if (bytes < 126) return Buffer.from([0x80 + bytes])
  const length = Buffer.alloc(bytes < 65_536 ? 3 : 9)
  length[0] = 0x80 + (bytes < 65_536 ? 126 : 127)
  length.writeUIntBE(bytes, length.length - (bytes < 65_536 ? 2 : 6), bytes < 65_536 ? 2 : 6)
  return length
}

/** The whole frames at the beginning of what a server has sent. */
export function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = bytes.readUInt8(at + 1)
    const head = short === 127 ? 10 : short === 126 ? 4 : 2
    if (at + head > bytes.length) break
    const length = head === 2 ? short : bytes.readUIntBE(head === 4 ? at + 2 : at + 4, head === 4 ? 2 : 6)
    if (at + head + length > bytes.length) break
    frames.push({
      opcode: bytes.readUInt8(at) & 15,
      payload: bytes.subarray(at + head, at + head + length),
    })
    at += head + length
  }
  return frames
}
