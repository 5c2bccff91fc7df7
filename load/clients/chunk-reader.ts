/** What reads the bytes of one connection and splits them. */
export interface StreamReader {
  /** Whole frames so far. */
  frames: number
  /** Bytes so far, with what stands around the frames. */
  bytes: number
  /** Given the payload of each frame from now on, valid during the call, and the length of the frame. */
  onFrame: ((payload: Buffer, frameBytes: number) => void) | undefined
  restart(): void
  /** Takes the first `length` bytes of a buffer, which may be used again after the call. */
  take(buffer: Buffer, length: number): void
}

const lineFeed = 0x0a
const lineEndBytes = 2

/** Splits a body of HTTP/1.1 into its chunks (RFC 9112 §7.1): the gateway sends each event in one. */
export class ChunkReader implements StreamReader {
  frames = 0
  bytes = 0
  onFrame: ((payload: Buffer, frameBytes: number) => void) | undefined
  #length = ''
  /** Of the chunk under way with the end of its line; 0 while its length is read. */
  #left = 0
  #pieces: Buffer[] = []

  restart(): void {
    this.frames = 0
    this.bytes = 0
  }

  take(buffer: Buffer, length: number): void {
    this.bytes += length
    let at = 0
    while (at < length)
      at = this.#left === 0 ? this.#takeLength(buffer, at, length) : this.#takeChunk(buffer, at, length)
  }

  #takeLength(buffer: Buffer, from: number, length: number): number {
    const end = buffer.subarray(0, length).indexOf(lineFeed, from)
    this.#length += buffer.toString('latin1', from, end < 0 ? length : end)
    if (end < 0) return length
    this.#left = Number.parseInt(this.#length, 16) + lineEndBytes
    this.#length = ''
    return end + 1
  }

  #takeChunk(buffer: Buffer, from: number, length: number): number {
    const taken = Math.min(this.#left, length - from)
    this.#left -= taken
    if (this.onFrame !== undefined) {
      const piece = buffer.subarray(from, from + taken)
      this.#pieces.push(this.#left === 0 ? piece : Buffer.from(piece))
    }
    if (this.#left === 0) this.#end()
    return from + taken
  }

  #end(): void {
    this.frames++
    const pieces = this.#pieces
    this.#pieces = []
    if (this.onFrame === undefined) return
    const [first = Buffer.alloc(0)] = pieces
    const chunk = pieces.length === 1 ? first : Buffer.concat(pieces)
    this.onFrame(chunk.subarray(0, chunk.length - lineEndBytes), chunk.length)
  }
}
