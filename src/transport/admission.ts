import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { addressKey } from '../limits/address-key.ts'
import { type Ledger, LedgerSilentError, type Release, type Want } from '../limits/ledger.ts'

export interface AdmissionOptions {
  readonly ledger: Ledger
}

/** Why a handshake was refused: all places of its address are taken, too many come, or whoever keeps count of them is silent. */
export type AdmissionFault = 'address' | 'rate' | 'silence'

/** A place on this node, or why there is none. */
export type AdmissionResult = { readonly release: Release } | { readonly fault: AdmissionFault }

/** What a second's worth of handshakes may be delayed by before further ones are refused. */
const longestWaitMs = 5000

/**
 * Lets handshakes in at the pace that the node and their address may have. Who comes faster waits, so that a client which connects
 * again without a pause is slowed down; who comes much faster is refused.
 */
export class Admission {
  /** Handshakes that had to wait, since start. */
  delayed = 0
  readonly #ledger: Ledger
  /** Connections that asked for something else than a stream, with what came of their claim. */
  readonly #plain = new WeakMap<Socket, Promise<AdmissionFault | undefined>>()

  constructor({ ledger }: AdmissionOptions) {
    this.#ledger = ledger
  }

  /** Resolves when the handshake's turn has come, or at once where it is refused. */
  async admit(address: string): Promise<AdmissionResult> {
    try {
      return await this.#admit(addressKey(address))
    } catch (error) {
      if (error instanceof LedgerSilentError) return { fault: 'silence' }
      throw error
    }
  }

  /** Claims a place for a connection that asks by plain HTTP, with its first request, until it is gone: such a one may last as long. */
  admitPlain(socket: Socket, address: string): Promise<AdmissionFault | undefined> {
    const known = this.#plain.get(socket)
    if (known !== undefined) return known
    const claimed = this.#claimPlain(socket, addressKey(address))
    this.#plain.set(socket, claimed)
    return claimed
  }

  async #claimPlain(socket: Socket, key: string): Promise<AdmissionFault | undefined> {
    try {
      const release = await this.#ledger.claim('httpConnectionsPerAddress', key)
      if (release === undefined) return 'address'
      if (socket.destroyed) release()
      else socket.on('close', release)
      return undefined
    } catch (error) {
      if (error instanceof LedgerSilentError) return 'silence'
      throw error
    }
  }

  async #admit(key: string): Promise<AdmissionResult> {
    const waitMs = await this.#ledger.reserve(turnOf(key), longestWaitMs)
    if (waitMs > longestWaitMs) return { fault: 'rate' }
    if (waitMs > 0) {
      this.delayed += 1
      await pause(waitMs)
    }
    const release = await this.#ledger.claim('connectionsPerAddress', key)
    return release === undefined ? { fault: 'address' } : { release }
  }
}

/** A place in the order of its address, then in that of the node, which a flood from one address must not use up. */
function turnOf(key: string): Want[] {
  return [
    { kind: 'handshakesPerAddress', key, count: 1 },
    { kind: 'handshakes', key: '', count: 1 },
  ]
}
