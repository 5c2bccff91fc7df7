import { WebSocket } from 'ws'
import { readEventId } from '../../src/transport/sse/event-id.ts'
import { FormReader, type Message } from './form-reader.ts'
import {
  ClientPositions,
  type CoveredRange,
  cursorOf,
  type PartitionPosition,
  positionsOf,
} from './partition-runs.ts'
import { SseClient } from './sse-client.ts'

export type { Message } from './form-reader.ts'

export interface ResumingListener {
  /** The subprotocol, or `sse`; JSON over a WebSocket if left out. */
  readonly form?: string
  /** The certificate (PEM) of the authority that signed the server's, unless it is a public one. */
  readonly authority?: string
  /** Takes each event instead of `events`. */
  readonly event?: (event: Message) => void
  /** A session has begun; with a cursor it catches up first. */
  readonly acknowledged?: () => void
  /** All missed events have come. */
  readonly resumed?: () => void
}

/**
 * A client as PROTOCOL.md §8 describes it: it keeps its position in each partition, compares every frame with
 * it, and resumes from there on its next connection.
 */
export class ResumingClient {
  readonly events: Message[] = []
  /** Gaps, ranges out of order, errors, and events before the acknowledgement. */
  readonly faults: string[] = []
  /** The ranges that servers have reported as lost. */
  readonly lost: unknown[] = []
  /** `recovered` of each resume: of its acknowledgement, then of its end. */
  readonly recovered: unknown[] = []
  resumes = 0
  /** Whether its session was acknowledged and still sends missed events. */
  isCatchingUp = false
  readonly #request: Readonly<Record<string, unknown>>
  readonly #listener: ResumingListener
  readonly #positions = new ClientPositions(text => this.faults.push(text))
  #webSocket: WebSocket | undefined
  #response: SseClient | undefined
  /** Of the response whose events are taken. */
  #connection: symbol | undefined
  #lastEventId: string | undefined
  #closed: Promise<void> = Promise.resolve()
  /** Whether the positions are those of the present session; before that they are those of the former. */
  #isAcknowledged = false

  /** Sends this request, with its cursor, on each connection. */
  constructor(request: Readonly<Record<string, unknown>>, listener: ResumingListener = {}) {
    this.#request = request
    this.#listener = listener
  }

  /**
   * The cursor to resume from, which a connection without an acknowledgement leaves as it was; `undefined` at
   * first.
   */
  get cursor(): object | undefined {
    return this.positions.length === 0 ? undefined : cursorOf(this.positions)
  }

  /** How far it has come, by partition. */
  get positions(): readonly PartitionPosition[] {
    return this.#positions.all
  }

  /** Connects and subscribes, from its cursor if it has one; resolves when it is acknowledged. */
  async connect(url: string, token: string, cursor: object | undefined = this.cursor): Promise<void> {
    const { form, authority } = this.#listener
    if (form === 'sse') return await this.#ask(url, token)
    const reader = new FormReader()
    const webSocket = new WebSocket(url, form === undefined ? [] : [form], {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      ...(authority === undefined ? {} : { ca: authority }),
    })
    this.#webSocket = webSocket
    const acknowledged = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    this.#closed = closed.promise
    this.#isAcknowledged = false
    this.isCatchingUp = false
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      // A real client would not handle frames of a former connection either.
      if (this.#webSocket !== webSocket) return
      const messages = reader.messagesOf(data, isBinary)
      if (messages.some(({ msg }) => msg === 'authenticated')) {
        const from = cursor === undefined ? {} : { cursor }
        webSocket.send(JSON.stringify({ action: 'subscribe', ...this.#request, ...from }))
      }
      this.#take(messages)
      if (this.#isAcknowledged) acknowledged.resolve()
    })
    webSocket.on('error', error => acknowledged.reject(error))
    webSocket.on('close', code => {
      acknowledged.reject(new Error(`closed with ${code}`))
      closed.resolve()
    })
    await acknowledged.promise
  }

  /** Resolves when the present connection is gone. */
  get closed(): Promise<void> {
    return this.#closed
  }

  /** Breaks the connection, as a network does. */
  cut(): void {
    this.#webSocket?.terminate()
    this.#webSocket = undefined
    this.#response?.cut()
    this.#response = undefined
    this.#connection = undefined
  }

  /** Asks for events, from the last one that had an id. */
  async #ask(streamUrl: string, token: string): Promise<void> {
    const { authority } = this.#listener
    const acknowledged = Promise.withResolvers<void>()
    this.#isAcknowledged = false
    this.isCatchingUp = false
    const connection = Symbol('connection')
    this.#connection = connection
    const response = await SseClient.open(eventsUrl(streamUrl, this.#request), {
      token,
      ...(authority === undefined ? {} : { authority }),
      ...(this.#lastEventId === undefined ? {} : { lastEventId: this.#lastEventId }),
      onEvent: ({ id, messages }) => {
        if (this.#connection !== connection) return
        this.#take(messages)
        if (id !== undefined) this.#compare(id)
        if (this.#isAcknowledged) acknowledged.resolve()
      },
    })
    this.#response = response
    this.#closed = response.closed
    void response.closed.then(() =>
      acknowledged.reject(new Error(`status ${response.status}: ${response.text}`)),
    )
    if (this.#connection !== connection) response.cut()
    await acknowledged.promise
  }

  /** An id is the cursor that the client would have without ids. */
  #compare(id: string): void {
    this.#lastEventId = id
    const own = JSON.stringify(cursorOf(this.positions))
    if (JSON.stringify(readEventId(id)) !== own) this.faults.push(`id ${id}, but the cursor is ${own}`)
  }

  #take(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.T === 'subscription') this.#acknowledged(message)
      else if (message.T === 'lost') this.lost.push(...(message['ranges'] as unknown[]))
      else if (message.T === 'resumed') this.#resumed(message)
      else if (message.T === 'error') this.faults.push(JSON.stringify(message))
      else if (message.T.length === 1) this.#event(message)
      // The numbers are those of the session, so they mean nothing before its acknowledgement.
      else if (this.#isAcknowledged) this.#position(message)
    }
  }

  #acknowledged(message: Message): void {
    if ('recovered' in message) {
      this.recovered.push(message['recovered'])
      this.isCatchingUp = true
    }
    if (message['partitions'] === undefined) return this.#beat(message)
    this.#positions.begin(positionsOf(message['partitions']))
    this.#isAcknowledged = true
    this.#listener.acknowledged?.()
  }

  #resumed(message: Message): void {
    this.recovered[this.recovered.length - 1] = message['recovered']
    this.resumes++
    this.isCatchingUp = false
    this.#listener.resumed?.()
  }

  #event(event: Message): void {
    if (!this.#isAcknowledged) this.faults.push(`before the acknowledgement: ${JSON.stringify(event)}`)
    if (this.#listener.event === undefined) this.events.push(event)
    else this.#listener.event(event)
  }

  #position(message: Message): void {
    if (message.T === 'partitions')
      for (const entry of positionsOf(message['partitions'])) this.#positions.add(entry)
    else if (message.T === 'heartbeat') this.#beat(message)
    else if (message.T === 'shutdown') this.#positions.advance(message['positions'] as [number, number][])
    else if (message.T === 'coverage') this.#positions.cover(message['ranges'] as CoveredRange[])
  }

  #beat({ positions = [] }: Message): void {
    const advanced = positions as [number, number][]
    if (this.isCatchingUp && advanced.length > 0)
      this.faults.push('positions in a heartbeat before "resumed"')
    this.#positions.advance(advanced)
  }
}

/** Where a request is asked over HTTP that a stream is sent. */
function eventsUrl(streamUrl: string, request: Readonly<Record<string, unknown>>): string {
  const url = new URL(streamUrl.replace(/^ws/, 'http'))
  url.pathname = '/v1/events'
  for (const [name, value] of Object.entries(request))
    url.searchParams.set(name, Array.isArray(value) ? value.join() : String(value))
  return url.href
}
