/**
 * A first-in, first-out queue that stays fast at any length (shifting a long array is quadratic) and keeps no
 * reference to items that have left it.
 */
export class Queue<Piece> {
  /** Reversed, so that the first item is taken from the end. */
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
