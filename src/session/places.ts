import type { Ledger, Release } from '../limits/ledger.ts'
import { RateLimit } from '../limits/rate-limit.ts'

/** What a session can lack: a place of the node's, one of its user's, a turn among those that its user begins, or memory. */
export type PlaceLack = 'node' | 'user' | 'rate' | 'memory'

/** A place, or why there is none. */
export type Place = { readonly release: Release } | { readonly lack: PlaceLack }

export interface PlacesOptions {
  readonly ledger: Ledger
  readonly maxSessions: number
  readonly sessionsPerUserPerSecond: number
  /** Whether the node is short of memory. */
  readonly isShort: () => boolean
}

/** Counts of sessions since start. */
export interface PlaceCounts {
  /** They had to wait for their user's turn. */
  delayed: number
  /** They got no place, by what they lacked. */
  readonly refused: Record<PlaceLack, number>
}

/** So much of its rate a user may use at once. */
const burstMs = 4000

/** Gives sessions their place when their token is known to be good. */
export class Places {
  readonly counts: PlaceCounts = { delayed: 0, refused: { node: 0, user: 0, rate: 0, memory: 0 } }
  readonly #ledger: Ledger
  readonly #maxSessions: number
  readonly #ofUser: RateLimit
  readonly #isShort: () => boolean
  #taken = 0

  constructor({ ledger, maxSessions, sessionsPerUserPerSecond, isShort }: PlacesOptions) {
    this.#isShort = isShort
    this.#ledger = ledger
    this.#maxSessions = maxSessions
    this.#ofUser = new RateLimit({ perSecond: sessionsPerUserPerSecond, burstMs })
  }

  /**
   * Resolves when it is the user's turn, which is at most `mostMs` from now. Who begins sessions faster waits, so that a client
   * which connects again without a pause is slowed down; who begins them much faster gets none.
   */
  async claim(subject: string, mostMs: number): Promise<Place> {
    if (this.#isShort()) return this.#refuse('memory')
    const waitMs = this.#ofUser.reserve(subject, 1, { nowMs: performance.now(), mostMs })
    if (waitMs > mostMs) return this.#refuse('rate')
    if (waitMs > 0) {
      this.counts.delayed++
      await pause(waitMs)
    }
    const release = await this.#ledger.claim('sessionsPerUser', subject)
    if (release === undefined) return this.#refuse('user')
    if (this.#taken < this.#maxSessions) return this.#take(release)
    release()
    return this.#refuse('node')
  }

  #refuse(lack: PlaceLack): Place {
    this.counts.refused[lack]++
    return { lack }
  }

  #take(release: Release): Place {
    this.#taken++
    let isTaken = true
    return {
      release: () => {
        if (!isTaken) return
        isTaken = false
        this.#taken--
        release()
      },
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms)
  })
}
