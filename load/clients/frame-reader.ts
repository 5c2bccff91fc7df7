/** A WebSocket frame's header (RFC 6455 §5.2) is at most this long, unmasked. */
const maxHeaderBytes = 10
const pingOpcode = 0x9

/**
 * Splits what one WebSocket connection receives into frames. Without a listener for payloads it reads only
 * the headers, so that hundreds of connections cost a core as little as possible.
 */
export class FrameReader {
  /** Whole frames so far. */
  frames = 0
  /** Bytes so far, headers included. */
  bytes = 0
  /** Given the payload of each frame from now on, valid during the call, and the length of the frame. */
  onFrame: ((payload: Buffer, frameBytes: number) => void) | undefined
  /** Told of each ping (RFC 6455 §5.5.2), which is counted in bytes alone. */
  onPing: (() => void) | undefined
  readonly #header = Buffer.alloc(maxHeaderBytes)
  #headerBytes = 0
  #isInPayload = false
  #payloadBytes = 0
  #left = 0
  #pieces: Buffer[] = []

  /** Begins to count anew. */
  restart(): void {
    this.frames = 0
    this.bytes = 0
  }

  /** Takes the first `length` bytes of a buffer, which may be used again after the call. */
  take(buffer: Buffer, length: number): void {
    this.bytes += length
    let at = 0
    while (at < length)
      at = this.#isInPayload ? this.#takePayload(buffer, at, length) : this.#takeHeader(buffer, at)
  }

  #takeHeader(buffer: Buffer, at: number): number {
    this.#header[this.#headerBytes++] = buffer[at] ?? 0
    const payloadBytes = this.#headerBytes < 2 ? undefined : this.#declaredBytes()
    if (payloadBytes !== undefined) {
      this.#payloadBytes = payloadBytes
      this.#left = payloadBytes
      this.#isInPayload = true
      if (payloadBytes === 0) this.#end(Buffer.alloc(0))
    }
    return at + 1
  }

  /** The payload's length, once the header is complete. */
  #declaredBytes(): number | undefined {
    const short = (this.#header[1] ?? 0) & 0x7f
    if (short < 126) return short
    if (short === 126) return this.#headerBytes < 4 ? undefined : this.#header.readUInt16BE(2)
    return this.#headerBytes < maxHeaderBytes ? undefined : Number(this.#header.readBigUInt64BE(2))
  }

  #takePayload(buffer: Buffer, at: number, length: number): number {
    const taken = Math.min(this.#left, length - at)
    this.#left -= taken
    const isWhole = this.#left === 0 && taken === this.#payloadBytes
    if (this.onFrame !== undefined && !isWhole)
      this.#pieces.push(Buffer.from(buffer.subarray(at, at + taken)))
    if (this.#left === 0) this.#end(isWhole ? buffer.subarray(at, at + taken) : undefined)
    return at + taken
  }

  #end(payload: Buffer | undefined): void {
    this.#isInPayload = false
    const frameBytes = this.#headerBytes + this.#payloadBytes
    this.#headerBytes = 0
    if (((this.#header[0] ?? 0) & 0x0f) === pingOpcode) {
      this.#pieces = []
      this.onPing?.()
      return
    }
    this.frames++
    if (this.onFrame === undefined) return
    const pieces = this.#pieces
    if (pieces.length > 0) this.#pieces = []
    this.onFrame(payload ?? Buffer.concat(pieces), frameBytes)
  }
}
