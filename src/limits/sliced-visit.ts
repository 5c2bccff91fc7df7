/** 250 small writes, one system call each, take a millisecond or two. */
const visitedPerTurn = 250

/**
 * Visits all of something that may come and go meanwhile, some in each turn of the event loop, so that what
 * is done for every session does not hold up deliveries. The first of them are visited at once.
 */
export class SlicedVisit<Visited> {
  readonly #all: () => Iterator<Visited>
  #turn: NodeJS.Immediate | undefined

  /**
   * `all` begins anew for each round, and has to bear changes meanwhile, as iterators of maps and sets do.
   */
  constructor(all: () => Iterator<Visited>) {
    this.#all = all
  }

  /** Begins a round, unless one is still under way. */
  begin(visit: (visited: Visited) => void): void {
    if (this.#turn === undefined) this.#goOn(this.#all(), visit)
  }

  /** Ends the round under way. */
  stop(): void {
    clearImmediate(this.#turn)
    this.#turn = undefined
  }

  #goOn(iterator: Iterator<Visited>, visit: (visited: Visited) => void): void {
    this.#turn = undefined
    for (let visited = 0; visited < visitedPerTurn; visited++) {
      const { done, value } = iterator.next()
      if (done === true) return
      visit(value)
    }
    this.#turn = setImmediate(() => this.#goOn(iterator, visit))
  }
}
