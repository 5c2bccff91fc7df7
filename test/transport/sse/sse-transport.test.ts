import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createGunzip } from 'node:zlib'
import { createParser } from 'eventsource-parser'
import { afterAll, beforeAll } from 'vitest'
import type { CloseReason } from '../../../src/protocol/close-reason.ts'
import { SharedCursors } from '../../../src/transport/sse/shared-cursors.ts'
import { CursorTracker } from '../../../src/transport/sse/cursor-tracker.ts'
import { EventFraming } from '../../../src/transport/sse/event-framing.ts'
import { refuseRequest } from '../../../src/transport/sse/sse-answer.ts'
import { refusalOf } from '../../../src/transport/sse/sse-refusals.ts'
import { SseTransport } from '../../../src/transport/sse/sse-transport.ts'
import { JsonForm } from '../../../src/wire/json/json-form.ts'
import { transportConformance, type TransportLimits, type TransportUnderTest } from '../conformance.ts'
import type { PeerEnd } from '../conformance/transport-under-test.ts'

const form = new JsonForm()
const cursors = new SharedCursors()
const http = createServer()

beforeAll(async () => {
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
})
afterAll(() => http.close())

async function open(limits: TransportLimits, isCompressed: boolean): Promise<TransportUnderTest> {
  const { port } = http.address() as AddressInfo
  const asked = get({ port, host: '127.0.0.1', agent: false })
  asked.on('error', () => undefined)
  const [[request, response], [peer]] = (await Promise.all([
    once(http, 'request'),
    once(asked, 'socket'),
  ])) as [[IncomingMessage, ServerResponse], [Socket]]
  request.resume()
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  return new OpenResponse({ response, socket: request.socket, peer, answered, isCompressed, limits })
}

interface Connection {
  readonly response: ServerResponse
  readonly socket: Socket
  readonly peer: Socket
  readonly answered: Promise<[IncomingMessage]>
  readonly isCompressed: boolean
  readonly limits: TransportLimits
}

class OpenResponse implements TransportUnderTest {
  readonly transport: SseTransport
  readonly received: string[] = []
  readonly ended: Promise<PeerEnd>
  readonly gone: Promise<void>
  readonly #peer: Socket
  readonly #socket: Socket
  #reason: CloseReason | undefined
  #told = ''

  constructor({ response, socket, peer, answered, isCompressed, limits }: Connection) {
    this.#peer = peer
    this.#socket = socket
    socket.on('error', () => undefined)
    peer.on('error', () => undefined)
    this.transport = new SseTransport({
      ...limits,
      response,
      socket,
      form,
      isCompressed,
      tracker: new CursorTracker(cursors),
      headers: isCompressed ? { 'content-encoding': 'gzip' } : {},
      framingOf: bodyForm => new EventFraming(bodyForm),
      refuse: (reason, last) => refuseRequest(response, refusalOf(reason, last?.fault), {}),
      onClose: () => undefined,
      random: () => 0.5,
    })
    this.gone = once(response, 'close').then(() => this.transport.release())
    this.ended = this.#read(answered)
  }

  readonly pause = (): void => void this.#peer.pause()
  readonly resume = (): void => void this.#peer.resume()
  readonly cut = (): void => void this.#peer.destroy()

  readonly close = async (): Promise<void> => {
    this.#peer.destroy()
    this.#socket.destroy()
    await this.gone
  }

  async #read(answered: Promise<[IncomingMessage]>): Promise<PeerEnd> {
    const [answer] = await answered.catch(() => [undefined])
    if (answer === undefined) return this.#end()
    const body = answer.headers['content-encoding'] === 'gzip' ? answer.pipe(createGunzip()) : answer
    body.setEncoding('utf8')
    const parser = createParser({ onEvent: ({ data }) => this.#take(data), maxBufferSize: Infinity })
    const ended = Promise.withResolvers<PeerEnd>()
    for (const stream of [answer, body]) stream.on('error', () => ended.resolve(this.#end()))
    body.on('data', (text: string) => {
      if (answer.statusCode === 200) parser.feed(text)
      else this.#told += text
    })
    body.on('end', () => ended.resolve(this.#end()))
    return await ended.promise
  }

  #take(data: string): void {
    const [{ T, reason, detail }] = JSON.parse(data) as [{ T: string; reason?: CloseReason; detail?: string }]
    if (T === 'closing') {
      this.#reason = reason
      return
    }
    this.received.push(data)
    this.#told = detail ?? ''
  }

  #end(): PeerEnd {
    return { reason: this.#reason, told: this.#told }
  }
}

transportConformance('SseTransport', limits => open(limits, false))
transportConformance('SseTransport with compression', limits => open(limits, true))
