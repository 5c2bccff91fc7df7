import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Server as TlsServer } from 'node:tls'
import { addressKey } from '../system/ip-address.ts'
import type { SlicedQueue } from '../limits/sliced-queue.ts'
import { refuseLate, refuseSocket } from './http-refusals.ts'
import { RequestSequencer } from './request-sequencer.ts'

export interface ConnectionGateOptions {
  /** Does what connections, requests and handshakes cost. */
  readonly work: SlicedQueue
  /** From the connection to its first complete request, TLS included. */
  readonly handshakeTimeoutMs: number
  /** Connections that may be without a complete first request at a time. */
  readonly maxHandshakes: number
  /** Those of one address among them that may be slow. */
  readonly maxHandshakesPerAddress: number
  /** Connections of every kind. */
  readonly maxConnections: number
  /** Tells trusted proxies, whose connections are not those of one address. */
  readonly isProxy: (peer: string) => boolean
}

/** Connections that were ended without a request, since start. */
export interface GateCounts {
  /** They took longer than they may. */
  late: number
  /** Too many had none; the slowest were ended, or, where none was slow, the newest. */
  crowded: number
  /** Too many of one address had none, and these were slow. */
  address: number
  /** There were as many connections as descriptors allow; ended were the same as when crowded. */
  full: number
}

/** A connection without a complete first request. */
interface Handshake {
  readonly socket: Socket
  /** What stands for its address. */
  readonly key: string
  readonly sinceMs: number
  /** Called when the connection is gone. */
  readonly forget: () => void
  /** Whether it has sent something and waits for its turn: a node that is busy is slow then, not its peer. */
  waits: boolean
  /** Where HTTP is spoken, once it is: within TLS if there is any. */
  http?: Socket
}

/** Whoever takes longer for a first request has to make place for others. */
const slowMs = 2000
const sweepMs = 500

/**
 * Stands before an HTTP server that does not listen yet: connections, once they have sent something, requests and upgrades come
 * to it a few in each turn of the event loop, so that a storm of them cannot stall what is under way.
 */
export class ConnectionGate {
  readonly counts: GateCounts = { late: 0, crowded: 0, address: 0, full: 0 }
  readonly #options: ConnectionGateOptions
  /** By peer, in the order in which they came. */
  readonly #handshakes = new Map<string, Handshake>()
  /** How many of them each address has. */
  readonly #perAddress = new Map<string, number>()
  /** Of every kind. */
  #connections = 0
  readonly #gone = (): void => void this.#connections--
  /** When the connections came that asked for an upgrade. */
  readonly #arrivals = new WeakMap<Duplex, number>()
  readonly #requests: RequestSequencer
  readonly #isEncrypted: boolean
  readonly #enter: Listener
  readonly #sweep: NodeJS.Timeout
  #isStopped = false

  constructor(server: Server, options: ConnectionGateOptions) {
    this.#options = options
    this.#requests = new RequestSequencer(options.work)
    this.#isEncrypted = server instanceof TlsServer
    this.#enter = takeListener(server, 'connection')
    const answer = takeListener(server, 'request')
    const upgrade = takeListener(server, 'upgrade')
    server.on('connection', (socket: Socket) => this.#arrive(socket))
    server.on('secureConnection', (socket: Socket) => this.#speak(socket))
    server.on('request', (request: IncomingMessage, response: unknown) =>
      this.#begin(request.socket, () => answer(request, response)),
    )
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      // Node has taken its own listener away: an error meanwhile would end the process.
      socket.on('error', ignore)
      this.#arrivals.set(socket, this.#handshakes.get(peerOf(socket))?.sinceMs ?? performance.now())
      this.#begin(socket, () => {
        upgrade(request, socket, head)
        socket.off('error', ignore)
      })
    })
    this.#sweep = setInterval(() => this.#endLate(), sweepMs)
    server.once('close', () => clearInterval(this.#sweep))
  }

  /** How many connections have not sent a complete request yet. */
  get handshakes(): number {
    return this.#handshakes.size
  }

  /** How long a connection had existed when it asked for an upgrade, and since then; from its latest request on if that was not its first. */
  ageMsOf(socket: Duplex): number {
    return performance.now() - (this.#arrivals.get(socket) ?? performance.now())
  }

  /**
   * Lets nothing more in, and ends what comes or waits: once the server closes, nobody would answer it, and the server would wait for
   * it. To be called before that.
   */
  stop(): void {
    this.#isStopped = true
    for (const { socket } of this.#handshakes.values()) socket.destroy()
  }

  /** Lets a connection in when it has something to say, and its turn has come. */
  #arrive(socket: Socket): void {
    this.#connections++
    socket.on('close', this.#gone)
    if (!this.#hasPlace(socket)) return
    const key = addressKey(socket.remoteAddress ?? '')
    const peer = peerOf(socket)
    const forget = (): void => this.#delete(peer)
    const handshake: Handshake = { socket, key, sinceMs: performance.now(), forget, waits: false }
    this.#handshakes.set(peer, handshake)
    this.#perAddress.set(key, (this.#perAddress.get(key) ?? 0) + 1)
    socket.on('error', ignore)
    socket.on('close', forget)
    socket.once('readable', () => {
      handshake.waits = true
      this.#options.work.enqueue(() => {
        handshake.waits = false
        socket.off('error', ignore)
        if (this.#isStopped) socket.destroy()
        if (socket.destroyed) return
        this.#enter(socket)
        if (!this.#isEncrypted) this.#speak(socket)
      })
    })
  }

  /** Whether a new connection has a place; otherwise it has been ended. */
  #hasPlace(socket: Socket): boolean {
    const { maxHandshakes, maxConnections } = this.#options
    if (this.#connections > maxConnections) return this.#makePlace(socket, 'full')
    return this.#handshakes.size < maxHandshakes || this.#makePlace(socket, 'crowded')
  }

  /** HTTP is spoken from here on. */
  #speak(socket: Socket): void {
    const handshake = this.#handshakes.get(peerOf(socket))
    if (handshake !== undefined) handshake.http = socket
  }

  /** Ends the slowest handshake, or else the newest; whether there is place now. */
  #makePlace(newest: Socket, reason: 'crowded' | 'full'): boolean {
    this.counts[reason] += 1
    const [oldest] = this.#handshakes.values()
    const isSlow = oldest !== undefined && performance.now() - oldest.sinceMs > slowMs
    const ended = isSlow ? oldest.socket : newest
    if (isSlow) this.#forget(peerOf(ended))
    ended.destroy()
    return isSlow
  }

  #endLate(): void {
    const { handshakeTimeoutMs } = this.#options
    const nowMs = performance.now()
    for (const [peer, { socket, key, sinceMs, http, waits }] of this.#handshakes) {
      const ageMs = nowMs - sinceMs
      if (ageMs < Math.min(slowMs, handshakeTimeoutMs)) return
      if (waits) continue
      const isLate = ageMs >= handshakeTimeoutMs
      if (!isLate && !this.#isOneTooMany(socket, key)) continue
      this.counts[isLate ? 'late' : 'address'] += 1
      this.#forget(peer)
      this.#options.work.enqueue(() => {
        if (http === undefined) socket.destroy()
        else if (isLate) refuseLate(http)
        else refuseSocket(http, 429, 'too many slow connections from this address')
      })
    }
  }

  #isOneTooMany({ remoteAddress = '' }: Socket, key: string): boolean {
    const { maxHandshakesPerAddress, isProxy } = this.#options
    return (this.#perAddress.get(key) ?? 0) > maxHandshakesPerAddress && !isProxy(remoteAddress)
  }

  /** It is no handshake any more, and nothing of it is kept by its connection, which may last. */
  #forget(peer: string): void {
    const handshake = this.#handshakes.get(peer)
    if (handshake === undefined) return
    handshake.socket.off('close', handshake.forget)
    this.#delete(peer)
  }

  #delete(peer: string): void {
    const key = this.#handshakes.get(peer)?.key
    if (key === undefined) return
    this.#handshakes.delete(peer)
    const left = (this.#perAddress.get(key) ?? 1) - 1
    if (left > 0) this.#perAddress.set(key, left)
    else this.#perAddress.delete(key)
  }

  /** Does what a request asks for, when its turn comes. */
  #begin(socket: Socket, work: () => void): void {
    this.#forget(peerOf(socket))
    this.#requests.begin(socket, () => {
      if (this.#isStopped) socket.destroy()
      else work()
    })
  }
}

type Listener = (...args: unknown[]) => void

/** Takes the one listener of an event away from a server. */
function takeListener(server: Server, event: string): Listener {
  const [listener] = server.listeners(event)
  server.removeAllListeners(event)
  return (...args) => listener?.apply(server, args)
}

/** The same for a TLS connection and the TCP connection under it. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

function ignore(): void {}
