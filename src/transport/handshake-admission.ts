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

/**
 * Why a connection is refused: all slots of its address are taken, too many handshakes come, or the process
 * that keeps the quotas does not answer.
 */
export type AdmissionRefusal = 'address' | 'rate' | 'silence'

/** Why a connection that asks by plain HTTP is refused. */
export type PlainRefusal = Exclude<AdmissionRefusal, 'rate'>

export type HandshakeAdmissionResult = { readonly release: Release } | { readonly refusal: AdmissionRefusal }

/** Handshakes that would have to wait longer are refused. */
const maxWaitMs = 5000

/**
 * Limits the rate of handshakes, for the node and for each address. An address that is faster waits, so that
 * a client which connects again without a pause is slowed down. An address that is much faster is refused.
 */
export class HandshakeAdmission {
  /** Handshakes that had to wait, since start. */
  delayed = 0
  readonly #quotas: NodeQuotas
  /** Connections that asked for something else than a stream, and why they were refused. */
  readonly #plain = new WeakMap<Socket, Promise<PlainRefusal | undefined>>()
  /** Those that have a slot. */
  readonly #plainSlots = new WeakMap<Socket, Release>()

  constructor({ quotas }: HandshakeAdmissionOptions) {
    this.#quotas = quotas
  }

  /** Resolves when the handshake's turn has come, or at once where it is refused. */
  async admit(address: string): Promise<HandshakeAdmissionResult> {
    try {
      return await this.#admit(addressKey(address))
    } catch (error) {
      if (error instanceof QuotasUnavailableError) return { refusal: 'silence' }
      throw error
    }
  }

  /**
   * Acquires a slot for a connection that asks by plain HTTP, with its first request, until the connection is
   * gone.
   */
  admitPlain(socket: Socket, address: string): Promise<PlainRefusal | undefined> {
    const known = this.#plain.get(socket)
    if (known !== undefined) return known
    const acquired = this.#acquirePlain(socket, addressKey(address))
    this.#plain.set(socket, acquired)
    return acquired
  }

  /**
   * Releases the slot of a connection that has one of a stream now. Returns a function that acquires it again
   * when the stream is over; the connection ends if there is none left.
   */
  suspendPlain(socket: Socket, address: string): () => void {
    const release = this.#plainSlots.get(socket)
    if (release === undefined) return () => undefined
    socket.off('close', release)
    this.#plainSlots.delete(socket)
    this.#plain.delete(socket)
    release()
    return () => {
      if (!socket.destroyed) void this.#acquireAgain(socket, address)
    }
  }

  async #acquireAgain(socket: Socket, address: string): Promise<void> {
    if ((await this.admitPlain(socket, address)) !== undefined) socket.destroySoon()
  }

  async #acquirePlain(socket: Socket, key: string): Promise<PlainRefusal | undefined> {
    try {
      const release = await this.#quotas.acquire('httpConnectionsPerAddress', key)
      if (release === undefined) return 'address'
      if (socket.destroyed) {
        release()
      } else {
        socket.on('close', release)
        this.#plainSlots.set(socket, release)
      }
      return undefined
    } catch (error) {
      if (error instanceof QuotasUnavailableError) return 'silence'
      throw error
    }
  }

  async #admit(key: string): Promise<HandshakeAdmissionResult> {
    const waitMs = await this.#quotas.reserve(claimsOf(key), maxWaitMs)
    if (waitMs > maxWaitMs) return { refusal: 'rate' }
    if (waitMs > 0) {
      this.delayed += 1
      await pause(waitMs)
    }
    const release = await this.#quotas.acquire('connectionsPerAddress', key)
    return release === undefined ? { refusal: 'address' } : { release }
  }
}

/**
 * Claims a turn of the address first, then one of the node: a flood from one address must not use those up.
 */
function claimsOf(key: string): RateClaim[] {
  return [
    { kind: 'handshakesPerAddress', key, count: 1 },
    { kind: 'handshakes', key: '', count: 1 },
  ]
}
