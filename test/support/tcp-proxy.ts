import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

interface Pair {
  readonly client: Socket
  /** `undefined` for a connection that came while the proxy was frozen. */
  server: Socket | undefined
}

/**
 * Stands on one port of 127.0.0.1 for another, and can behave like a network that swallows everything for a
 * while.
 */
export class TcpProxy {
  readonly #server: Server
  readonly #target: number
  readonly #pairs = new Set<Pair>()
  #isFrozen = false

  private constructor(server: Server, target: number) {
    this.#server = server
    this.#target = target
    server.on('connection', client => this.#accept(client))
  }

  /** Listens on `port` (0: on a free one) and hands everything on to `target`. */
  static async start(port: number, target: number): Promise<TcpProxy> {
    const server = createServer()
    const proxy = new TcpProxy(server, target)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** From now on nothing passes, in either direction; connections are taken, and nobody answers on them. */
  freeze(): void {
    this.#isFrozen = true
    for (const { client, server } of this.#pairs) {
      client.unpipe().pause()
      server?.unpipe().pause()
    }
  }

  /** What was held back arrives, and what follows passes. */
  resume(): void {
    this.#isFrozen = false
    for (const pair of this.#pairs) this.#join(pair)
  }

  /** Ends every connection. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const { client, server } of this.#pairs) {
      client.destroy()
      server?.destroy()
    }
    await closed
  }

  #accept(client: Socket): void {
    const pair: Pair = { client, server: undefined }
    this.#pairs.add(pair)
    client.pause()
    client.on('error', () => {})
    client.on('close', () => {
      pair.server?.destroy()
      this.#pairs.delete(pair)
    })
    if (!this.#isFrozen) this.#join(pair)
  }

  #join(pair: Pair): void {
    const { client } = pair
    const server = pair.server ?? connect(this.#target, '127.0.0.1')
    if (pair.server === undefined) {
      server.on('error', () => {})
      server.on('close', () => client.destroy())
    }
    pair.server = server
    client.pipe(server)
    server.pipe(client)
  }
}
