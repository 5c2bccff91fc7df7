import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An issuer's key server; `answer` is what it does with a request. */
export class KeyServer {
  readonly #server = createServer((_request, response) => {
    this.requests++
    this.#onRequest()
    this.answer(response)
  })
  #onRequest: () => void = () => undefined
  requests = 0
  answer: (response: ServerResponse) => void = response => response.writeHead(500).end()

  static async start(): Promise<KeyServer> {
    const server = new KeyServer()
    await new Promise<void>(resolve => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    const address = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${address.port}/keys`
  }

  serve(...keys: readonly object[]): void {
    this.answer = response =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
  }

  /** Resolves when the next request comes. */
  nextRequest(): Promise<void> {
    return new Promise(resolve => {
      this.#onRequest = resolve
    })
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }
}
