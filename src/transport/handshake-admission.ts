import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { addressKey } from '../system/ip-address.ts'
import {
  type NodeQuotas,
  QuotasUnavailableError,
  type Release,
  type RateClaim,
} from '../limits/node-quotas.ts'

export interface HandshakeAdmissionOptions {
  readonly quotas: NodeQuotas
}

/** Why a handshake was refused: all places of its address are taken, too many come, or whoever keeps count of them is silent. */
export type HandshakeFault = 'address' | 'rate' | 'silence'

/** A place on this node, or why there is none. */
export type HandshakeAdmissionResult = { readonly release: Release } | { readonly fault: HandshakeFault }

/** What a second's worth of handshakes may be delayed by before further ones are refused. */
const longestWaitMs = 5000

/**
 * Lets handshakes in at the pace that the node and their address may have. Who comes faster waits, so that a client which connects
 * again without a pause is slowed down; who comes much faster is refused.
 */
export class HandshakeAdmission {
  /** Handshakes that had to wait, since start. */
  delayed = 0
  readonly #quotas: NodeQuotas
  /** Connections that asked for something else than a stream, with what came of their claim. */
  readonly #plain = new WeakMap<Socket, Promise<HandshakeFault | undefined>>()

  constructor({ quotas }: HandshakeAdmissionOptions) {
    this.#quotas = quotas
  }

  /** Resolves when the handshake's turn has come, or at once where it is refused. */
  async admit(address: string): Promise<HandshakeAdmissionResult> {
    try {
      return await this.#admit(addressKey(address))
    } catch (error) {
      if (error instanceof QuotasUnavailableError) return { fault: 'silence' }
      throw error
    }
  }

  /** Claims a place for a connection that asks by plain HTTP, with its first request, until it is gone: such a one may last as long. */
  admitPlain(socket: Socket, address: string): Promise<HandshakeFault | undefined> {
    const known = this.#plain.get(socket)
    if (known !== undefined) return known
    const claimed = this.#claimPlain(socket, addressKey(address))
    this.#plain.set(socket, claimed)
    return claimed
  }

  async #claimPlain(socket: Socket, key: string): Promise<HandshakeFault | undefined> {
    try {
      const release = await this.#quotas.acquire('httpConnectionsPerAddress', key)
      if (release === undefined) return 'address'
      if (socket.destroyed) release()
      else socket.on('close', release)
      return undefined
    } catch (error) {
      if (error instanceof QuotasUnavailableError) return 'silence'
      throw error
    }
  }

  async #admit(key: string): Promise<HandshakeAdmissionResult> {
    const waitMs = await this.#quotas.reserve(turnOf(key), longestWaitMs)
    if (waitMs > longestWaitMs) return { fault: 'rate' }
    if (waitMs > 0) {
      this.delayed += 1
      await pause(waitMs)
    }
    const release = await this.#quotas.acquire('connectionsPerAddress', key)
    return release === undefined ? { fault: 'address' } : { release }
  }
}

/** A place in the order of its address, then in that of the node, which a flood from one address must not use up. */
function turnOf(key: string): RateClaim[] {
  return [
    { kind: 'handshakesPerAddress', key, count: 1 },
    { kind: 'handshakes', key: '', count: 1 },
  ]
}
