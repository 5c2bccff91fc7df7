/**
 * A first-in, first-out queue that stays fast at any length (shifting a long array is quadratic) and keeps no
 * reference to items that have left it.
 */
export class Queue<Element> {
  /** Reversed, so that the first item is taken from the end. */
  #leaving: Element[] = []
  #coming: Element[] = []

  get length(): number {
    return this.#leaving.length + this.#coming.length
  }

  push(element: Element): void {
    this.#coming.push(element)
  }

  shift(): Element | undefined {
    if (this.#leaving.length === 0) {
      this.#leaving = this.#coming.toReversed()
      this.#coming = []
    }
    return this.#leaving.pop()
  }
}
