import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Server as TlsServer } from 'node:tls'
import { addressKey } from '../system/ip-address.ts'
import type { SlicedQueue } from '../limits/sliced-queue.ts'
import { refuseLate, refuseSocket } from './http-refusals.ts'
import { RequestSequencer } from './request-sequencer.ts'

export interface ConnectionGateOptions {
  /** Runs the work for connections, requests and handshakes. */
  readonly work: SlicedQueue
  /** From the connection to its first complete request, TLS included. */
  readonly handshakeTimeoutMs: number
  /** Connections at a time that have not sent a complete request. */
  readonly maxHandshakes: number
  /** How many of them may be slow and of one address. */
  readonly maxHandshakesPerAddress: number
  /** Of every kind. */
  readonly maxConnections: number
  /** Recognises trusted proxies, whose connections are of many addresses. */
  readonly isProxy: (peer: string) => boolean
}

/** Connections ended without a request, since start. */
export interface GateCounts {
  /** They took longer than `handshakeTimeoutMs`. */
  late: number
  /** Too many were without a request; the slowest was ended, or, where none was slow, the newest. */
  crowded: number
  /** Too many slow ones were of one address. */
  address: number
  /** There were as many connections as file descriptors allow; one was ended as for `crowded`. */
  full: number
}

/** A connection without a complete first request. */
interface Handshake {
  readonly socket: Socket
  /** The key of its address. */
  readonly key: string
  readonly sinceMs: number
  /** Called when the connection is gone. */
  readonly forget: () => void
  /** Whether it has sent something and waits for its turn: then the node is slow, not the peer. */
  isWaiting: boolean
  /** The socket that HTTP is spoken on, within TLS if there is any; absent before that. */
  http?: Socket
}

/** A connection that takes longer for its first request has to make room for others. */
const slowMs = 2000
const sweepMs = 500

/**
 * Protects an HTTP server that does not listen yet. Connections that have sent something, requests and
 * upgrades reach the server a few in each turn of the event loop, so that a storm of them does not hold up
 * deliveries.
 */
export class ConnectionGate {
  readonly counts: GateCounts = { late: 0, crowded: 0, address: 0, full: 0 }
  readonly #options: ConnectionGateOptions
  /** By peer, oldest first. */
  readonly #handshakes = new Map<string, Handshake>()
  /** How many handshakes each address has. */
  readonly #perAddress = new Map<string, number>()
  #connections = 0
  readonly #gone = (): void => void this.#connections--
  /** When connections with a request came. */
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
    server.on('request', (request: IncomingMessage, response: unknown) => {
      this.#noteArrival(request.socket)
      this.#begin(request.socket, () => answer(request, response))
    })
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      // Node has removed its own listener: an error meanwhile would end the process.
      socket.on('error', ignore)
      this.#noteArrival(socket)
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

  /**
   * Returns how long a connection has existed; counted from its latest request if that was not its first.
   */
  ageMsOf(socket: Duplex): number {
    return performance.now() - (this.#arrivals.get(socket) ?? performance.now())
  }

  /**
   * Ends every connection that comes or waits. Call it before the server closes: the server would wait for
   * connections that nobody answers any more.
   */
  stop(): void {
    this.#isStopped = true
    for (const { socket } of this.#handshakes.values()) socket.destroy()
  }

  #noteArrival(socket: Socket): void {
    this.#arrivals.set(socket, this.#handshakes.get(peerOf(socket))?.sinceMs ?? performance.now())
  }

  /** Lets a connection in when it has sent something and its turn has come. */
  #arrive(socket: Socket): void {
    this.#connections++
    socket.on('close', this.#gone)
    if (!this.#hasRoom(socket)) return
    const key = addressKey(socket.remoteAddress ?? '')
    const peer = peerOf(socket)
    const forget = (): void => this.#delete(peer)
    const handshake: Handshake = { socket, key, sinceMs: performance.now(), forget, isWaiting: false }
    this.#handshakes.set(peer, handshake)
    this.#perAddress.set(key, (this.#perAddress.get(key) ?? 0) + 1)
    socket.on('error', ignore)
    socket.on('close', forget)
    socket.once('readable', () => {
      handshake.isWaiting = true
      this.#options.work.enqueue(() => {
        handshake.isWaiting = false
        socket.off('error', ignore)
        if (this.#isStopped) socket.destroy()
        if (socket.destroyed) return
        this.#enter(socket)
        if (!this.#isEncrypted) this.#speak(socket)
      })
    })
  }

  /** Returns whether there is room for a new connection; otherwise the connection has been ended. */
  #hasRoom(socket: Socket): boolean {
    const { maxHandshakes, maxConnections } = this.#options
    if (this.#connections > maxConnections) return this.#makeRoom(socket, 'full')
    return this.#handshakes.size < maxHandshakes || this.#makeRoom(socket, 'crowded')
  }

  /** HTTP is spoken on this socket from now on. */
  #speak(socket: Socket): void {
    const handshake = this.#handshakes.get(peerOf(socket))
    if (handshake !== undefined) handshake.http = socket
  }

  /** Ends the slowest handshake, or else the newest. Returns whether there is room now. */
  #makeRoom(newest: Socket, reason: 'crowded' | 'full'): boolean {
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
    for (const [peer, { socket, key, sinceMs, http, isWaiting }] of this.#handshakes) {
      const ageMs = nowMs - sinceMs
      if (ageMs < Math.min(slowMs, handshakeTimeoutMs)) return
      if (isWaiting) continue
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

  /** Forgets a handshake that has ended, also where its connection lasts. */
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

  /** Handles a request when its turn comes. */
  #begin(socket: Socket, work: () => void): void {
    this.#forget(peerOf(socket))
    this.#requests.enqueue(socket, () => {
      if (this.#isStopped) socket.destroy()
      else work()
    })
  }
}

type Listener = (...args: unknown[]) => void

/** Removes the one listener of an event from a server, and returns it. */
function takeListener(server: Server, event: string): Listener {
  const [listener] = server.listeners(event)
  server.removeAllListeners(event)
  return (...args) => listener?.apply(server, args)
}

/** Returns a key that is the same for a TLS connection and the TCP connection under it. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

function ignore(): void {}
