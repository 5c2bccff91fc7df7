import { setTimeout as pause } from 'node:timers/promises'
import { addressKey } from '../limits/address-key.ts'
import type { Ledger, Release } from '../limits/ledger.ts'
import { RateLimit } from '../limits/rate-limit.ts'

export interface AdmissionOptions {
  readonly ledger: Ledger
  /** Handshakes that this node takes each second. */
  readonly handshakesPerSecond: number
  /** And from one address. */
  readonly handshakesPerAddressPerSecond: number
}

/** Why a handshake was refused: all places of its address are taken, or too many come. */
export type AdmissionFault = 'address' | 'rate'

/** A place on this node, or why there is none. */
export type AdmissionResult = { readonly release: Release } | { readonly fault: AdmissionFault }

/** What a second's worth of handshakes may be delayed by before further ones are refused. */
const longestWaitMs = 5000
/** So much of its rate an address, or the node, may use at once. */
const burstMs = 4000

/**
 * Lets handshakes in at the pace that the node and their address may have. Who comes faster waits, so that a client which connects
 * again without a pause is slowed down; who comes much faster is refused.
 */
export class Admission {
  /** Handshakes that had to wait, since start. */
  delayed = 0
  readonly #ledger: Ledger
  readonly #ofNode: RateLimit
  readonly #ofAddress: RateLimit

  constructor({ ledger, handshakesPerSecond, handshakesPerAddressPerSecond }: AdmissionOptions) {
    this.#ledger = ledger
    this.#ofNode = new RateLimit({ perSecond: handshakesPerSecond, burstMs })
    this.#ofAddress = new RateLimit({ perSecond: handshakesPerAddressPerSecond, burstMs })
  }

  /** Resolves when the handshake's turn has come, or at once where it is refused. */
  async admit(address: string): Promise<AdmissionResult> {
    const key = addressKey(address)
    const waitMs = this.#waitMs(key)
    if (waitMs > longestWaitMs) return { fault: 'rate' }
    if (waitMs > 0) {
      this.delayed += 1
      await pause(waitMs)
    }
    const release = await this.#ledger.claim('connectionsPerAddress', key)
    return release === undefined ? { fault: 'address' } : { release }
  }

  /** A place in the order of its address, then in that of the node, which a flood from one address must not use up. */
  #waitMs(key: string): number {
    const limit = { nowMs: performance.now(), mostMs: longestWaitMs }
    const ofAddressMs = this.#ofAddress.reserve(key, 1, limit)
    if (ofAddressMs > longestWaitMs) return ofAddressMs
    const ofNodeMs = this.#ofNode.reserve('', 1, limit)
    if (ofNodeMs > longestWaitMs) this.#ofAddress.giveBack(key, 1)
    return Math.max(ofAddressMs, ofNodeMs)
  }
}
