import { type Clock, systemClock } from '../system/clock.ts'

/** The progress of a drain. */
export type DrainState = 'serving' | 'draining' | 'drained'

/** A drain as an operator sees it. Times are in ms since 1970. */
export interface DrainFacts {
  readonly state: DrainState
  readonly sessions: number
  readonly sinceMs?: number
  readonly withinMs?: number
}

export interface DrainOptions {
  readonly sessions: { readonly size: number; drain(withinMs: number): Promise<void> }
  /** The duration if the request names none. */
  readonly defaultMs: number
  readonly clock?: Clock
}

/** Empties this node: new clients are refused, existing ones are told to move. Only a restart undoes it. */
export class Drain {
  readonly #options: DrainOptions
  #begun: { readonly sinceMs: number; readonly withinMs: number } | undefined
  #isOver = false

  constructor(options: DrainOptions) {
    this.#options = options
  }

  /** The duration if the request names none. */
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
   * Begins the drain. Called again, it tells the remaining sessions the new deadline. Resolves when all
   * sessions are gone, or a second after the deadline.
   */
  async begin(withinMs: number = this.#options.defaultMs): Promise<void> {
    const { sessions, clock = systemClock } = this.#options
    this.#begun = { sinceMs: clock.wall(), withinMs }
    this.#isOver = false
    await sessions.drain(withinMs)
    this.#isOver = true
  }
}
