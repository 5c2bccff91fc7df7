import { flushTailBytes, type Framing, type Payload } from '../../wire/payload.ts'

/** First bytes of the messages that the gateway sends: final, with the opcode (RFC 6455 §5.2). */
const firstBytes = { text: 0x81, binary: 0x82 } as const
/** The bit of a compressed message (RFC 7692 §6). */
const rsv1 = 0x40

/** One unmasked, final frame: the header goes into the room in front of the payload. */
export const plainFraming: Framing = {
  frame: payload => frame(payload, firstBytes[payload.kind], payload.length),
}

/** As `plainFraming`, for a compressed payload; the end of the flush is not sent (RFC 7692 §7.2.1). */
const deflatedFraming: Framing = {
  frame: payload => frame(payload, firstBytes[payload.kind] | rsv1, payload.length - flushTailBytes),
}

/** Returns the frame for a client that takes compressed messages: compressed where that is worthwhile. */
export function deflatedFrame(payload: Payload): Buffer {
  const deflated = payload.deflated()
  return deflated === undefined ? payload.framed(plainFraming) : deflated.framed(deflatedFraming)
}

function frame({ buffer, start }: Payload, firstByte: number, length: number): Buffer {
  if (length < 126) {
    buffer[start - 2] = firstByte
    buffer[start - 1] = length
    return buffer.subarray(start - 2, start + length)
  }
  if (length < 65_536) {
    buffer[start - 4] = firstByte
    buffer[start - 3] = 126
    buffer.writeUInt16BE(length, start - 2)
    return buffer.subarray(start - 4, start + length)
  }
  buffer[start - 10] = firstByte
  buffer[start - 9] = 127
  buffer.writeUInt32BE(0, start - 8)
  buffer.writeUInt32BE(length, start - 4)
  return buffer.subarray(start - 10, start + length)
}
