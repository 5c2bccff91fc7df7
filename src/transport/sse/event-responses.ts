import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { CloseReason } from '../../protocol/close-reason.ts'
import type { Sessions } from '../../session/sessions.ts'
import type { WireForm } from '../../wire/wire-form.ts'
import { SharedCursors } from './shared-cursors.ts'
import { CursorTracker } from './cursor-tracker.ts'
import { type BodyForm, EventFraming } from './event-framing.ts'
import { refusalOf } from './sse-refusals.ts'
import { refuseRequest } from './sse-answer.ts'
import type { SseRequest } from './sse-request.ts'
import { SseTransport } from './sse-transport.ts'

export interface EventResponsesOptions {
  readonly sessions: Sessions
  readonly deflate: 'on' | 'off'
  readonly maxUnsentBytes: number
  readonly closeTimeoutMs?: number
  /** Returns how long a connection has existed at its request; 0 if left out. */
  readonly ageMsOf?: (socket: Socket) => number
  readonly log: FastifyBaseLogger
}

/** The feed that a client asks for. */
interface RequestedFeed {
  readonly name: string
  readonly forms: readonly [WireForm, ...WireForm[]]
}

/** Returns the form of events: texts, whose messages are those of `ticker.v1.json`. */
export function eventForm({ forms }: Pick<RequestedFeed, 'forms'>): WireForm {
  return forms.find(({ name }) => name === formName) ?? forms[0]
}

/** A request that may have events, with its response. */
export interface AdmittedRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The socket under both, whose turn it is. */
  readonly socket: Socket
  readonly address: string
  /** By which a page of another origin may read the response. */
  readonly sharing: Readonly<Record<string, string>>
  readonly asked: SseRequest
  readonly feed: RequestedFeed
}

const formName = 'ticker.v1.json'

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const

/** The responses that carry sessions. */
export class EventResponses {
  readonly #options: EventResponsesOptions
  readonly #transports = new Set<SseTransport>()
  readonly #cursors = new SharedCursors()
  /** By whether they are chunked, then by whether they are compressed. */
  readonly #framings = new Map<string, EventFraming>()

  constructor(options: EventResponsesOptions) {
    this.#options = options
  }

  /** Runs a session from its request to its end, which writes one line to the log. */
  begin({ request, response, socket, address, sharing, asked, feed }: AdmittedRequest): void {
    const { sessions, maxUnsentBytes, closeTimeoutMs = 5000, ageMsOf = () => 0 } = this.#options
    let ended: CloseReason | undefined
    const transport = new SseTransport({
      response,
      socket,
      form: eventForm(feed),
      tracker: new CursorTracker(this.#cursors),
      headers: this.#headers({ asked, sharing }),
      isCompressed: this.#isCompressed(asked),
      framingOf: bodyForm => this.#framingOf(bodyForm),
      maxUnsentBytes,
      closeTimeoutMs,
      random: Math.random,
      refuse: (reason, farewell) => refuseRequest(response, refusalOf(reason, farewell?.fault), sharing),
      onClose: reason => {
        ended = reason
      },
    })
    // What a request carries is of no use here, but unread it would hide the end of the connection.
    request.resume()
    this.#transports.add(transport)
    const begunMs = performance.now()
    const session = sessions.open(transport, { address, ageMs: ageMsOf(socket), feed: feed.name })
    const end = (): void => {
      if (!this.#transports.delete(transport)) return
      transport.release()
      this.#options.log.info(
        {
          transport: transport.traits.name,
          reason: ended,
          session: session.number,
          feed: feed.name,
          subject: session.subject,
          durationMs: Math.round(performance.now() - begunMs),
          items: session.size,
          ...transport.written,
        },
        'connection ended',
      )
      sessions.remove(session)
    }
    // Of a response that ends, or of its connection.
    response.on('close', end)
    session.begin(asked)
  }

  /** Answers a `HEAD`: with the header fields that the response to a `GET` would have. */
  describe(response: ServerResponse, { asked, sharing }: Pick<AdmittedRequest, 'asked' | 'sharing'>): void {
    response.writeHead(200, this.#headers({ asked, sharing })).end()
  }

  /** Ends every connection at once. */
  terminate(): void {
    for (const transport of this.#transports) transport.terminate()
  }

  #isCompressed({ acceptsGzip }: SseRequest): boolean {
    return acceptsGzip && this.#options.deflate === 'on'
  }

  #headers({ asked, sharing }: Pick<AdmittedRequest, 'asked' | 'sharing'>): Record<string, string> {
    return { ...headers, ...sharing, ...(this.#isCompressed(asked) ? { 'content-encoding': 'gzip' } : {}) }
  }

  #framingOf(form: BodyForm): EventFraming {
    const key = `${form.isChunked} ${form.isCompressed}`
    const framing = this.#framings.get(key) ?? new EventFraming(form)
    this.#framings.set(key, framing)
    return framing
  }
}
