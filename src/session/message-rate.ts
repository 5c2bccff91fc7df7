import { RateLimiter } from '../limits/rate-limiter.ts'
import type { Clock } from '../system/clock.ts'
import { bytesPerMessage, messageBurstMs } from '../limits/node-quotas.ts'

/** So many items in an answer count as one further message. */
const itemsPerMessage = 500

/** Limits how fast a client may send, whatever it sends (`PROTOCOL.md` §2). */
export class MessageRate {
  /** When the client last sent something, in ms since 1970. */
  lastMs: number | undefined
  readonly #clock: Clock
  readonly #limiter: RateLimiter

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock
    this.#limiter = new RateLimiter({ perSecond, burstMs: messageBurstMs })
  }

  /** Counts a message of this length. Returns whether the client may have it handled. */
  accept(bytes: number): boolean {
    this.lastMs = this.#clock.wall()
    return this.#limiter.spend(1 + Math.floor(bytes / bytesPerMessage), this.#clock.steady())
  }

  /** Takes the last message back, but for its length. */
  refund(): void {
    this.#limiter.charge(-1, this.#clock.steady())
  }

  /** Counts an answer that states so many items, after it was given. */
  countAnswer(items: number): void {
    this.#limiter.charge(Math.floor(items / itemsPerMessage), this.#clock.steady())
  }
}
