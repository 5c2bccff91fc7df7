import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll } from 'vitest'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import type { CloseReason } from '../../../src/protocol/close-reason.ts'
import { closeReasons } from '../../../src/protocol/close-reason.ts'
import { closeCodes } from '../../../src/transport/websocket/close-codes.ts'
import { WebSocketTransport } from '../../../src/transport/websocket/websocket-transport.ts'
import { JsonForm } from '../../../src/wire/json/json-form.ts'
import { transportConformance, type TransportLimits, type TransportUnderTest } from '../conformance.ts'

const form = new JsonForm()
const http = createServer()
const perMessageDeflate = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 12,
}
const server = new WebSocketServer({ server: http, perMessageDeflate })

beforeAll(async () => {
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
})
afterAll(() => {
  server.close()
  http.close()
})

async function open(limits: TransportLimits, isDeflated: boolean): Promise<TransportUnderTest> {
  const { port } = http.address() as AddressInfo
  const peer = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: isDeflated })
  const [[webSocket, { socket }]] = (await Promise.all([once(server, 'connection'), once(peer, 'open')])) as [
    [WebSocket, IncomingMessage],
    unknown,
  ]
  // The peer's going away is an error of its connection.
  webSocket.on('error', () => undefined)
  return new OpenConnection(new WebSocketTransport({ webSocket, socket, form, ...limits }), webSocket, peer)
}

class OpenConnection implements TransportUnderTest {
  readonly received: string[] = []
  readonly ended: TransportUnderTest['ended']
  readonly gone: Promise<void>
  readonly transport: WebSocketTransport
  readonly #webSocket: WebSocket
  readonly #peer: WebSocket

  constructor(transport: WebSocketTransport, webSocket: WebSocket, peer: WebSocket) {
    this.transport = transport
    this.#webSocket = webSocket
    this.#peer = peer
    peer.on('error', () => undefined)
    peer.on('message', (data: RawData) => this.received.push((data as Buffer).toString()))
    this.ended = once(peer, 'close').then(([code]) => ({
      reason: reasonOf(code as number),
      told: this.#lastDetail(),
    }))
    this.gone = once(webSocket, 'close').then(() => undefined)
  }

  readonly pause = (): void => this.#peer.pause()
  readonly resume = (): void => this.#peer.resume()
  readonly cut = (): void => this.#peer.terminate()

  readonly say = async (text: string): Promise<string> => {
    this.#peer.send(text)
    const [data] = (await once(this.#webSocket, 'message')) as [Buffer]
    return data.toString()
  }

  async close(): Promise<void> {
    this.#peer.terminate()
    this.#webSocket.terminate()
    await this.gone
  }

  #lastDetail(): string {
    const [last] = JSON.parse(this.received.at(-1) ?? '[{}]') as [{ detail?: string }]
    return last.detail ?? ''
  }
}

function reasonOf(code: number): CloseReason | undefined {
  return closeReasons.find(reason => closeCodes[reason] === code)
}

transportConformance('WebSocketTransport', limits => open(limits, false))
transportConformance('WebSocketTransport with compression', limits => open(limits, true))
