import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createGunzip } from 'node:zlib'
import { createParser } from 'eventsource-parser'
import type { Message } from './form-reader.ts'
import { waitUntil } from './wait-until.ts'

export interface SseOptions {
  readonly token?: string
  readonly lastEventId?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The certificate (PEM) of the authority that signed the server's, unless it is a public one. */
  readonly authority?: string
  /** Called with each event as it comes. */
  readonly onEvent?: (event: ReceivedEvent) => void
}

/** An event with its messages. */
export interface ReceivedEvent {
  readonly id: string | undefined
  readonly messages: readonly Message[]
}

/** A client of `GET /v1/events` on Node's HTTP, with the parser of the npm package eventsource-parser. */
export class SseClient {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly events: ReceivedEvent[] = []
  /** What `retry:` said, one after the other. */
  readonly retries: number[] = []
  lastEventId: string | undefined
  /** The body as it came, decompressed. */
  text = ''
  /** As it came, in bytes, without chunks. */
  bodyBytes = 0
  isEnded = false
  readonly response: IncomingMessage
  /** Resolves when the response is over, or its connection broken. */
  readonly closed: Promise<void>

  private constructor(response: IncomingMessage, onEvent: SseOptions['onEvent']) {
    this.response = response
    this.status = response.statusCode ?? 0
    this.headers = response.headers
    const parser = createParser({
      onEvent: ({ id, data }) => {
        if (id !== undefined) this.lastEventId = id
        const event = { id, messages: JSON.parse(data) as Message[] }
        this.events.push(event)
        onEvent?.(event)
      },
      onRetry: ms => this.retries.push(ms),
    })
    response.on('data', (piece: Buffer) => {
      this.bodyBytes += piece.length
    })
    const body = response.headers['content-encoding'] === 'gzip' ? response.pipe(createGunzip()) : response
    body.setEncoding('utf8')
    body.on('data', (piece: string) => {
      this.text += piece
      if (this.headers['content-type']?.startsWith('text/event-stream') === true) parser.feed(piece)
    })
    body.on('end', () => {
      this.isEnded = true
    })
    body.on('error', () => undefined)
    response.on('error', () => undefined)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    response.on('close', () => resolve())
  }

  /** Asks for events, and resolves when the response has begun. `url` has the query. */
  static open(
    url: string,
    { token, lastEventId, headers = {}, authority, onEvent }: SseOptions = {},
  ): Promise<SseClient> {
    const request = url.startsWith('https:') ? httpsRequest : httpRequest
    const { promise, resolve, reject } = Promise.withResolvers<SseClient>()
    const asked = request(url, {
      agent: false,
      ...(authority === undefined ? {} : { ca: authority }),
      headers: {
        accept: 'text/event-stream',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
        ...headers,
      },
    })
    asked.on('response', response => resolve(new SseClient(response, onEvent)))
    asked.on('error', reject)
    asked.end()
    return promise
  }

  /** All messages so far. */
  get messages(): readonly Message[] {
    return this.events.flatMap(({ messages }) => messages)
  }

  /** Resolves to the first message with these members, when it has come. */
  async next(members: Readonly<Record<string, unknown>>): Promise<Message> {
    const find = () =>
      this.messages.find(message => Object.entries(members).every(([name, value]) => message[name] === value))
    await waitUntil(() => find() !== undefined, JSON.stringify(members))
    return find()!
  }

  /** Resolves when the response is over. */
  async ended(): Promise<void> {
    await waitUntil(() => this.isEnded, 'the end of the response')
  }

  /** Breaks the connection. */
  cut(): void {
    this.response.destroy()
  }
}
