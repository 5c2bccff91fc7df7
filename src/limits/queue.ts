/** First in, first out, whatever its length: shifting a long array is quadratic. */
export class Queue<Piece> {
  #pieces: Piece[] = []
  #first = 0

  get length(): number {
    return this.#pieces.length - this.#first
  }

  push(piece: Piece): void {
    this.#pieces.push(piece)
  }

  shift(): Piece | undefined {
    const piece = this.#pieces[this.#first]
    this.#first += 1
    if (this.#first >= this.#pieces.length) {
      this.#pieces = []
      this.#first = 0
    }
    return piece
  }
}
