/** Beyond so many users the one that published longest ago is forgotten, and begins with a full budget. */
const usersLimit = 10_000
/** How much of a user's budget it may use at once. */
const burstMs = 1000

/**
 * How many events each user may publish: a budget that fills up at `perSecond` and holds a second's worth. A request of more
 * than that is taken from a full one, and the user waits the longer for the next.
 */
export class EventRate {
  readonly #msPerEvent: number
  /** Until when the budget is used up, in ms, by user; those who published longest ago come first. */
  readonly #usedUntilMs = new Map<string, number>()

  constructor(perSecond: number) {
    this.#msPerEvent = 1000 / perSecond
  }

  /** How many users are known. */
  get users(): number {
    return this.#usedUntilMs.size
  }

  /** Takes events from a user's budget: 0, or in how many ms it will have enough. `nowMs` is on any clock that only goes on. */
  take(user: string, count: number, nowMs: number): number {
    const usedUntilMs = Math.max(nowMs, this.#usedUntilMs.get(user) ?? nowMs)
    const costMs = count * this.#msPerEvent
    const waitMs = usedUntilMs + Math.min(costMs, burstMs) - burstMs - nowMs
    if (waitMs > 0) return Math.ceil(waitMs)
    this.#usedUntilMs.delete(user)
    this.#usedUntilMs.set(user, usedUntilMs + costMs)
    if (this.#usedUntilMs.size > usersLimit) this.#forgetFirst()
    return 0
  }

  /** Gives back what was taken for events that could not be published. */
  giveBack(user: string, count: number): void {
    const usedUntilMs = this.#usedUntilMs.get(user)
    if (usedUntilMs !== undefined) this.#usedUntilMs.set(user, usedUntilMs - count * this.#msPerEvent)
  }

  #forgetFirst(): void {
    const [first] = this.#usedUntilMs.keys()
    if (first !== undefined) this.#usedUntilMs.delete(first)
  }
}
