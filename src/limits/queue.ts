/** First in, first out, whatever its length: shifting a long array is quadratic. Keeps nothing of what has left it. */
export class Queue<Piece> {
  /** The last first, so that the first is taken from the end. */
  #leaving: Piece[] = []
  #coming: Piece[] = []

  get length(): number {
    return this.#leaving.length + this.#coming.length
  }

  push(piece: Piece): void {
    this.#coming.push(piece)
  }

  shift(): Piece | undefined {
    if (this.#leaving.length === 0) {
      this.#leaving = this.#coming.toReversed()
      this.#coming = []
    }
    return this.#leaving.pop()
  }
}
