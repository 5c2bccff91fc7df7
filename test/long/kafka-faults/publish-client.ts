import { jsonLines } from '../../support/json-lines.ts'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { encode } from '@msgpack/msgpack'
import type { Trade } from '../../../src/event/event.ts'
import type { TestGateway } from '../../support/gateway.ts'

/** What an answer says of one event (PROTOCOL.md §9). */
export type Outcome = { readonly partition: number; readonly offset: number } | 'unsent' | 'unconfirmed'

export interface PostAnswer {
  /** In the order of the events. */
  readonly outcomes: readonly Outcome[]
  /** How long the server asks to wait before anything is tried again. */
  readonly retryAfterMs: number
}

interface Body {
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Buffer<ArrayBuffer>
}

const json = (events: readonly Trade[]) => Buffer.from(JSON.stringify(events))
const lines = (events: readonly Trade[]) => Buffer.from(jsonLines(events))

/** The three types of body, two of them compressed. */
export const bodyForms = {
  JSON: events => ({ headers: { 'content-type': 'application/json' }, bytes: json(events) }),
  'NDJSON gzip': events => ({
    headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
    bytes: gzipSync(lines(events)),
  }),
  'MessagePack zstd': events => ({
    headers: { 'content-type': 'application/msgpack', 'content-encoding': 'zstd' },
    bytes: zstdCompressSync(encode(events)),
  }),
} as const satisfies Record<string, (events: readonly Trade[]) => Body>

export type BodyFormName = keyof typeof bodyForms

/** Posts events to a gateway, and reads from the answer what may be posted again. */
export class PublishClient {
  readonly #url: string
  readonly #token: string
  readonly #form: BodyFormName

  private constructor(url: string, token: string, form: BodyFormName) {
    this.#url = url
    this.#token = token
    this.#form = form
  }

  static async create(
    gateway: Pick<TestGateway, 'url' | 'token'>,
    form: BodyFormName,
  ): Promise<PublishClient> {
    const token = await gateway.token({ subject: form, scopes: ['publish'], lifetimeS: 3600 })
    return new PublishClient(`${gateway.url}/v1/events`, token, form)
  }

  /** Posts a request. Rejects where the answer is none that a right request may get. */
  async post(events: readonly Trade[]): Promise<PostAnswer> {
    const { headers, bytes } = bodyForms[this.#form](events)
    const answer = await fetch(this.#url, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, ...headers },
      body: bytes,
    })
    const body = (await answer.json()) as { readonly events?: readonly Entry[]; readonly error?: string }
    const { status } = answer
    if (![200, 429, 503].includes(status)) throw new Error(`${status}: ${body.error}`)
    return {
      outcomes: events.map((_, index) => outcomeOf(body.events?.[index])),
      retryAfterMs: Number(answer.headers.get('retry-after') ?? 1) * 1000,
    }
  }
}

interface Entry {
  readonly partition?: number
  readonly position?: number
  readonly error?: string
}

/** An answer without entries says that nothing was published. */
function outcomeOf(entry: Entry = { error: 'not published' }): Outcome {
  const { partition, position, error = '' } = entry
  if (partition !== undefined && position !== undefined) return { partition, offset: position }
  return error.startsWith('not published') ? 'unsent' : 'unconfirmed'
}
