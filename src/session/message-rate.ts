import type { Clock } from '../system/clock.ts'
import { RateLimiter } from '../limits/rate-limiter.ts'
import { bytesPerMessage, messageBurstMs } from '../limits/node-limits.ts'

/** What one message's worth is of an answer that states the whole subscription. */
const itemsPerMessage = 500

/** How fast a client may send, whatever it sends (`PROTOCOL.md` §2). */
export class MessageRate {
  /** When the client last sent something, in ms since 1970. */
  lastMs: number | undefined
  readonly #clock: Clock
  readonly #budget: RateLimiter

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock
    this.#budget = new RateLimiter({ perSecond, burstMs: messageBurstMs })
  }

  /** Whether something of this length may be taken. */
  take(bytes: number): boolean {
    this.lastMs = this.#clock.wall()
    return this.#budget.spend(1 + Math.floor(bytes / bytesPerMessage), this.#clock.steady())
  }

  /** What was taken last shall not count, but for its length. */
  giveBack(): void {
    this.#budget.charge(-1, this.#clock.steady())
  }

  /** Counts an answer that states so many items; it was given already. */
  answered(items: number): void {
    this.#budget.charge(Math.floor(items / itemsPerMessage), this.#clock.steady())
  }
}
