import type { ServerResponse } from 'node:http'
import type { HttpRefusal } from './sse-refusals.ts'

/** Answers a request that gets no events with a status and `{"error":"…"}`. */
export function refuseRequest(
  response: ServerResponse,
  { status, error, headers = {} }: HttpRefusal,
  sharing: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) return
  const body = JSON.stringify({ error })
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...sharing,
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
