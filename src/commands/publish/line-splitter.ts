/** One line of a file. */
export interface Line {
  /** 1 is the first. */
  readonly number: number
  /** Without its line feed; `undefined`: longer than the limit, and not kept. */
  readonly bytes: Buffer | undefined
  /** How many bytes of the text end with this line. */
  readonly end: number
}

const lineFeed = 0x0a

/** Cuts chunks of text into lines, of which it keeps at most one unfinished, and no more of that than the limit. */
export class LineSplitter {
  readonly #maxBytes: number
  #number = 0
  #end = 0
  #pieces: Buffer[] = []
  #pieceBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The lines that end in this chunk. They are views of it where they lie in it whole. */
  split(chunk: Buffer): readonly Line[] {
    const lines: Line[] = []
    let start = 0
    for (;;) {
      const feed = chunk.indexOf(lineFeed, start)
      if (feed === -1) break
      lines.push(this.#finish(chunk.subarray(start, feed), 1))
      start = feed + 1
    }
    this.#keep(chunk.subarray(start))
    return lines
  }

  /** What follows the last line feed, if anything does. */
  rest(): readonly Line[] {
    return this.#pieceBytes === 0 ? [] : [this.#finish(Buffer.alloc(0), 0)]
  }

  #keep(piece: Buffer): void {
    this.#pieceBytes += piece.length
    if (this.#pieceBytes > this.#maxBytes) this.#pieces = []
    // Copied, or the piece would keep its whole chunk.
    else if (piece.length > 0) this.#pieces.push(Buffer.from(piece))
  }

  #finish(last: Buffer, feedBytes: number): Line {
    const size = this.#pieceBytes + last.length
    this.#number += 1
    this.#end += size + feedBytes
    const line = { number: this.#number, bytes: this.#join(last, size), end: this.#end }
    this.#pieces = []
    this.#pieceBytes = 0
    return line
  }

  #join(last: Buffer, size: number): Buffer | undefined {
    if (size > this.#maxBytes) return undefined
    return this.#pieces.length === 0 ? last : Buffer.concat([...this.#pieces, last], size)
  }
}
