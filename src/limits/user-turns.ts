import { turnstile } from './turnstile.ts'

interface Lane {
  readonly pass: (work: () => Promise<void>) => Promise<void>
  /** Inside or waiting. */
  count: number
}

/** Lets a few pieces of work of each user go on at a time, the others waiting in their order; users do not wait for each other. */
export class UserTurns {
  readonly #atOnce: number
  /** By user; who has no work is not kept. */
  readonly #lanes = new Map<string, Lane>()

  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  /** How many users have work. */
  get users(): number {
    return this.#lanes.size
  }

  /** Whether the next work of this user would have to wait. */
  isFull(user: string): boolean {
    return (this.#lanes.get(user)?.count ?? 0) >= this.#atOnce
  }

  async inTurn(user: string, work: () => Promise<void>): Promise<void> {
    const lane = this.#lanes.get(user) ?? { pass: turnstile(each => each(), this.#atOnce), count: 0 }
    this.#lanes.set(user, lane)
    lane.count++
    try {
      await lane.pass(work)
    } finally {
      if (--lane.count === 0) this.#lanes.delete(user)
    }
  }
}
