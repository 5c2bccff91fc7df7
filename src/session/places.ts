import { type Ledger, LedgerSilentError, type Release } from '../limits/ledger.ts'

/**
 * What a session can lack: a place of the node's, one of its user's, a turn among those that its user begins, memory, or the answer
 * of the process that keeps the places.
 */
export type PlaceLack = 'node' | 'user' | 'rate' | 'memory' | 'silence'

/** A place, or why there is none. */
export type Place = { readonly release: Release } | { readonly lack: PlaceLack }

export interface PlacesOptions {
  readonly ledger: Ledger
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

/** Gives sessions their place when their token is known to be good. */
export class Places {
  readonly counts: PlaceCounts = { delayed: 0, refused: { node: 0, user: 0, rate: 0, memory: 0, silence: 0 } }
  readonly #ledger: Ledger
  readonly #isShort: () => boolean

  constructor({ ledger, isShort }: PlacesOptions) {
    this.#isShort = isShort
    this.#ledger = ledger
  }

  /**
   * Resolves when it is the user's turn, which is at most `mostMs` from now. Who begins sessions faster waits, so that a client
   * which connects again without a pause is slowed down; who begins them much faster gets none.
   */
  async claim(subject: string, mostMs: number): Promise<Place> {
    if (this.#isShort()) return this.#refuse('memory')
    try {
      return await this.#claim(subject, mostMs)
    } catch (error) {
      if (error instanceof LedgerSilentError) return this.#refuse('silence')
      throw error
    }
  }

  async #claim(subject: string, mostMs: number): Promise<Place> {
    const waitMs = await this.#ledger.reserve([{ kind: 'sessionsPerUser', key: subject, count: 1 }], mostMs)
    if (waitMs > mostMs) return this.#refuse('rate')
    if (waitMs > 0) {
      this.counts.delayed++
      await pause(waitMs)
    }
    const ofUser = await this.#ledger.claim('sessionsPerUser', subject)
    if (ofUser === undefined) return this.#refuse('user')
    try {
      const ofNode = await this.#ledger.claim('sessions', '')
      if (ofNode !== undefined) return { release: both(ofUser, ofNode) }
    } catch (error) {
      ofUser()
      throw error
    }
    ofUser()
    return this.#refuse('node')
  }

  #refuse(lack: PlaceLack): Place {
    this.counts.refused[lack]++
    return { lack }
  }
}

function both(first: Release, second: Release): Release {
  return () => {
    first()
    second()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms)
  })
}
