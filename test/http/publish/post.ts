import type { LogPlace } from './log-reading.ts'

/** What a request to `/v1/events` is made of; JSON with a token if nothing else is said. */
export interface Post {
  readonly token?: string | undefined
  readonly type?: string | undefined
  readonly encoding?: string
  readonly body?: string | Uint8Array | ReadableStream | undefined
  readonly method?: string
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: AnsweredBody
}

/** Whatever of these an answer has. */
export interface AnsweredBody {
  readonly error: string
  readonly events: readonly (LogPlace & { readonly index?: number; readonly error?: string })[]
  readonly failed: number
  readonly total: number
  readonly warnings: readonly object[]
}

/** Posts to the gateway at `url`, and reads the answer. */
export async function post(url: string, request: Post): Promise<Answered> {
  const { token, encoding, body, method = 'POST' } = request
  const type = 'type' in request ? request.type : 'application/json'
  const headers = new Headers()
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  if (type !== undefined) headers.set('content-type', type)
  if (encoding !== undefined) headers.set('content-encoding', encoding)
  const init: RequestInit = { method, headers, duplex: 'half' }
  if (body !== undefined) init.body = body as NonNullable<RequestInit['body']>
  const response = await fetch(`${url}/v1/events`, init)
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as AnsweredBody,
  }
}

/** A trade of a symbol; `i` tells one from another. */
export function trade(symbol: string, i: number) {
  return { T: 't', S: symbol, i, p: 126.55, s: 1, t: '2026-02-22T15:51:44.208000001Z' } as const
}

/** A quote of a symbol. */
export function quote(symbol: string) {
  return { T: 'q', S: symbol, bp: 1, bs: 1, ap: 2, as: 1, t: '2026-02-22T15:51:44Z' } as const
}

/** News about symbols. */
export function news(symbols: readonly string[]) {
  return { T: 'n', id: 1, headline: 'News', created_at: '2026-02-22T15:51:44Z', symbols } as const
}
