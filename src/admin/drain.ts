/** How far a drain is. */
export type DrainState = 'serving' | 'draining' | 'drained'

/** What an operator sees of a drain. Times are in ms since 1970. */
export interface DrainFacts {
  readonly state: DrainState
  readonly sessions: number
  readonly sinceMs?: number
  readonly withinMs?: number
}

export interface DrainOptions {
  readonly sessions: { readonly size: number; drain(withinMs: number): Promise<void> }
  /** Where a request does not say how long. */
  readonly defaultMs: number
  /** Milliseconds since 1970; `Date.now` where absent. */
  readonly now?: () => number
}

/** The leaving of this node: it takes no one new, and who is there is told to go elsewhere. There is no way back but a restart. */
export class Drain {
  readonly #options: DrainOptions
  #begun: { readonly sinceMs: number; readonly withinMs: number } | undefined
  #isOver = false

  constructor(options: DrainOptions) {
    this.#options = options
  }

  /** Where a request does not say how long. */
  get defaultMs(): number {
    return this.#options.defaultMs
  }

  /** Whether the node is leaving, or has left. */
  get isBegun(): boolean {
    return this.#begun !== undefined
  }

  get facts(): DrainFacts {
    const { size } = this.#options.sessions
    if (this.#begun === undefined) return { state: 'serving', sessions: size }
    return { state: this.#isOver ? 'drained' : 'draining', sessions: size, ...this.#begun }
  }

  /**
   * Begins, or begins anew: sessions that are still there are told a new time. Resolves when all are gone, or a second after the
   * time is over.
   */
  async begin(withinMs: number = this.#options.defaultMs): Promise<void> {
    const { sessions, now = Date.now } = this.#options
    this.#begun = { sinceMs: now(), withinMs }
    this.#isOver = false
    await sessions.drain(withinMs)
    this.#isOver = true
  }
}
