import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { LogController } from 'fastify'

/** A token of this length is taken in an `Authorization` header, beside the header fields that clients and proxies send. */
export const longestHeaderTokenBytes = 16_384
/** Request line and header fields of one request together. */
export const maxHeaderSize = longestHeaderTokenBytes + 4096

/** Fastify's options that every listener of the gateway has. */
export const commonOptions = {
  logController: new LogController({ disableRequestLogging: true }),
  forceCloseConnections: true,
  clientErrorHandler: answerUnreadable,
} as const

/** Answers what is no HTTP request, as Node does, but with the reason as every other refusal has it. */
function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const { status, reason } = refusals[error.code ?? ''] ?? unreadable
  const body = JSON.stringify({ error: reason })
  if (socket.writable) {
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n`
    socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
  }
  socket.destroy(error)
}

const unreadable = { status: 400, reason: 'this is no HTTP request that can be read' }

const refusals: Readonly<Record<string, typeof unreadable>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'the request was not whole in time' },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    reason: `the header fields of the request come to more than ${maxHeaderSize} bytes; a token of more than ${longestHeaderTokenBytes} goes into the "auth" message of the stream`,
  },
}
