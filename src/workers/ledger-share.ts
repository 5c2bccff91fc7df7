import type { LocalLedger, PlaceKind, Release } from '../limits/ledger.ts'

/** What one worker holds of the node's ledger, by the worker's numbers. */
export class LedgerShare {
  readonly #ledger: LocalLedger
  readonly #held = new Map<number, Release>()

  constructor(ledger: LocalLedger) {
    this.#ledger = ledger
  }

  /** How many places it holds. */
  get size(): number {
    return this.#held.size
  }

  /** Claims a place; whether it was free. A number that is held already gets none. */
  claim(number: number, kind: PlaceKind, key: string): boolean {
    if (this.#held.has(number)) return false
    const release = this.#ledger.take(kind, key)
    if (release === undefined) return false
    this.#held.set(number, release)
    return true
  }

  /** Gives a place back; one that is not held is none. */
  release(number: number): void {
    this.#held.get(number)?.()
    this.#held.delete(number)
  }

  /** Gives back all that a worker held that is gone. */
  releaseAll(): void {
    for (const release of this.#held.values()) release()
    this.#held.clear()
  }
}
