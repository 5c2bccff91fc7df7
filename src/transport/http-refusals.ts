import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * The longest token accepted in an `Authorization` header, beside the header fields that clients and proxies
 * send.
 */
export const maxHeaderTokenBytes = 16_384
/** Of the request line and header fields of one request together. */
const maxHeaderSize = maxHeaderTokenBytes + 4096

/**
 * Fastify's options that refuse requests before they reach a route as the routes do: with a status and
 * `{"error":"…"}`. `refuseFaults` adds what needs the server.
 */
export const refusalOptions = {
  clientErrorHandler: (error: NodeJS.ErrnoException, socket: Duplex) => refuseUnparsed(socket, error),
  frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    // Node has let go of a socket that asked for an upgrade: nobody else would end it.
    reply.raw.once('finish', () => request.raw.socket.destroySoon())
    void reply
      .code(error.statusCode ?? 400)
      .header('connection', 'close')
      .send({ error: messageOf(error) })
  },
} as const

/** Node's own options. Node would answer a request without `Host` with an empty 400. */
export const serverOptions = { requireHostHeader: false, maxHeaderSize } as const

/** Refuses with a reason what Node would refuse without one, and what a route or a parser throws. */
export function refuseFaults(app: FastifyInstance): void {
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const { statusCode = 500 } = error
    if (statusCode >= 500) request.log.error(error, 'a request failed')
    await reply.code(statusCode).send({ error: statusCode >= 500 ? 'internal error' : messageOf(error) })
  })
  app.addHook('onRequest', async ({ raw }, reply) => {
    if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') return
    await reply
      .code(400)
      .header('connection', 'close')
      .send({ error: 'expected a Host header (RFC 9112 §3.2)' })
  })
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.stringify({ error: 'Expect: expected 100-continue, or none' })
    response.writeHead(417, { ...jsonHeaders(body), connection: 'close' }).end(body)
  })
  app.server.on('connect', (_request: IncomingMessage, socket: Duplex) =>
    refuseSocket(socket, 405, 'CONNECT: this is not a proxy'),
  )
}

/** How long to go on reading: a connection closed before would be reset, and the answer lost on its way. */
const lingerMs = 1000

/** Answers on a socket that has no Fastify reply, and ends the connection. */
export function refuseSocket(socket: Duplex, status: number, error: string): void {
  // Node may have removed its own listener: an error would end the process.
  socket.on('error', () => socket.destroy())
  if (!socket.writable) return
  const body = JSON.stringify({ error })
  const headers = { ...jsonHeaders(body), connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
  socket.resume()
  const end = setTimeout(() => socket.destroy(), lingerMs).unref()
  socket.once('close', () => clearTimeout(end))
}

function jsonHeaders(body: string) {
  return { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) }
}

/** Refuses a request that was not complete in time. */
export function refuseLate(socket: Duplex): void {
  refuseSocket(socket, 408, 'the request was not complete in time')
}

/** Refuses a request that Node's parser gave up on. */
function refuseUnparsed(socket: Duplex, error: NodeJS.ErrnoException): void {
  const { code = '' } = error
  if (code === 'ECONNRESET' || hasBegunResponse(socket)) return void socket.destroy()
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return refuseLate(socket)
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message
  const [status, message] = parserFaults.get(code) ?? [400, `this is not a request of HTTP/1.1: ${reason}`]
  refuseSocket(socket, status, message)
}

/**
 * Whether the response to an earlier request is under way: an answer would become part of it. Node looks at
 * the same property before it answers by itself.
 */
function hasBegunResponse(socket: Duplex): boolean {
  const current: unknown = Reflect.get(socket, '_httpMessage')
  return current instanceof ServerResponse && current.headersSent
}

const parserFaults = new Map<string, readonly [number, string]>([
  [
    'HPE_HEADER_OVERFLOW',
    [
      431,
      `the header fields of the request come to more than ${maxHeaderSize} bytes; a token of more than ` +
        `${maxHeaderTokenBytes} goes into the "auth" message of the stream`,
    ],
  ],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', [413, 'the chunk extensions are too long']],
])

/** Fastify's messages name the path with its query, which may be a token. */
function messageOf({ code, message }: FastifyError): string {
  return code === 'FST_ERR_BAD_URL'
    ? 'the path is malformed: a % is not followed by two digits of UTF-8'
    : message
}
