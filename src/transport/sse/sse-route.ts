import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import {
  admissionRefusals,
  type AdmissionRules,
  checkAdmission,
  type HandshakeRefusal,
  type HandshakeRefusalCounts,
} from '../admission.ts'
import type { HandshakeAdmission } from '../handshake-admission.ts'
import { preflightHeaders, sharingHeaders } from './cross-origin.ts'
import { eventForm, EventResponses, type EventResponsesOptions } from './event-responses.ts'
import { refuseRequest } from './sse-answer.ts'
import { readSseRequest } from './sse-request.ts'

const path = '/v1/events'
const methods = 'GET, HEAD, POST, OPTIONS'

export interface SseOptions extends EventResponsesOptions, AdmissionRules {
  /** Limits requests and connections. */
  readonly admission: HandshakeAdmission
  /** Returns the address that a request counts for. */
  readonly addressOf: (request: IncomingMessage) => string
  /** Counts the requests that were refused for want of room. */
  readonly refusals: HandshakeRefusalCounts
}

/** Serves `GET /v1/events` as server-sent events. */
export function serveSse(app: FastifyInstance, options: SseOptions): void {
  const responses = new EventResponses(options)
  // Those that are still there have had their time to leave (`Sessions.drain`).
  app.addHook('preClose', done => {
    responses.terminate()
    done()
  })
  app.route({
    method: ['GET', 'HEAD'],
    url: path,
    handler: async (request, reply) => {
      reply.hijack()
      request.query = {}
      await answer(request.raw, reply.raw, { responses, options })
    },
  })
  app.options(path, async ({ headers: { origin, 'access-control-request-method': method } }, reply) => {
    const sharing = sharingHeaders(origin, options.allowedOrigins)
    const isPreflight = sharing !== undefined && origin !== undefined && method === 'GET'
    const headers = { allow: methods, ...sharing, ...(isPreflight ? preflightHeaders : {}) }
    return await reply.code(204).headers(headers).send()
  })
}

interface SseContext {
  readonly responses: EventResponses
  readonly options: SseOptions
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { responses, options }: SseContext,
): Promise<void> {
  const { headers } = request
  const { admission, addressOf, refusals, allowedOrigins, sessions } = options
  const sharing = sharingHeaders(headers.origin, allowedOrigins) ?? {}
  const refuse = ({ reason, status, message, retryAfterS }: HandshakeRefusal): void => {
    refusals[reason]++
    const wait = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }
    refuseRequest(response, { status, error: message, headers: wait }, sharing)
  }
  const asked = readSseRequest(request, eventForm(sessions.feeds.first).dialect)
  if ('status' in asked) return refuseRequest(response, asked, sharing)
  const feed = sessions.feeds.find(asked.feed)
  if (feed === undefined) {
    const message = sessions.feeds.explainUnknown(asked.feed ?? '')
    return refuse({ status: 404, reason: 'feed', message })
  }
  const refusal = checkAdmission(request, feed.name, options)
  if (refusal !== undefined) return refuse(refusal)
  if (request.method === 'HEAD') return responses.describe(response, { asked, sharing })
  const socket = await socketOf(response)
  if (socket === undefined) return
  const address = addressOf(request)
  forgetHead(request)
  const admitted = await admission.admit(address)
  if ('refusal' in admitted)
    return refuse({ reason: admitted.refusal, ...admissionRefusals[admitted.refusal] })
  if (socket.destroyed) return admitted.release()
  // The connection may have other requests later.
  const resumePlain = admission.suspendPlain(socket, socket.remoteAddress ?? '')
  response.on('close', () => {
    admitted.release()
    resumePlain()
  })
  responses.begin({ request, response, socket, address, sharing, asked, feed })
}

/** Node keeps a request as long as its response: without its token and its list of symbols, if possible. */
function forgetHead(request: IncomingMessage): void {
  request.headers = {}
  request.rawHeaders = []
  request.url = path
}

/**
 * Resolves to the socket of a response once the responses to earlier requests of the connection are over;
 * to `undefined` if the connection ends first.
 */
function socketOf(response: ServerResponse): Promise<Socket | undefined> {
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>()
  const request = response.req
  if (response.socket !== null) resolve(response.socket)
  else if (request.destroyed) resolve(undefined)
  else {
    response.once('socket', resolve)
    // Nobody reads the request meanwhile. A listener of the socket for each would be too many.
    request.once('close', () => resolve(undefined))
  }
  return promise
}
