import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'
import { type AllowedOrigins, isOriginAllowed } from '../auth/request-headers.ts'
import type { AdmissionRefusal } from './handshake-admission.ts'

/** Why a client gets no session, whatever the transport. */
export const admissionReasons = [
  'feed',
  'not_ready',
  'origin',
  'query',
  'address',
  'rate',
  'memory',
  'silence',
] as const
export type AdmissionReason = (typeof admissionReasons)[number]

/** A refused handshake. The answer says why, for people who read the client's log. */
export interface HandshakeRefusal<Reason extends string = AdmissionReason> {
  readonly status: number
  readonly reason: Reason
  readonly message: string
  readonly retryAfterS?: number
}

/** Handshakes of one transport refused since start, by reason. */
export type HandshakeRefusalCounts<Reason extends string = AdmissionReason> = Record<Reason, number>

export function createRefusalCounts<Reason extends string>(
  reasons: readonly Reason[],
): HandshakeRefusalCounts<Reason> {
  return Object.fromEntries(reasons.map(reason => [reason, 0])) as HandshakeRefusalCounts<Reason>
}

/** The rules that every transport applies before a session begins. */
export interface AdmissionRules {
  readonly allowedOrigins: AllowedOrigins
  /** Whether a feed is warmed up and the node is not leaving. */
  readonly isReady: (feed: string) => boolean
  /** Whether the node is short of memory, and accepts no connection; never, if left out. */
  readonly isShort?: () => boolean
}

/** Returns why a request for a session on a feed is refused; `undefined` where it is not. */
export function checkAdmission(
  { headers }: { readonly headers: IncomingHttpHeaders },
  feed: string,
  rules: AdmissionRules,
): HandshakeRefusal | undefined {
  const { origin } = headers
  if (!rules.isReady(feed)) {
    const message = 'not ready: still reading the log, or leaving; try again'
    return { status: 503, retryAfterS: 1, reason: 'not_ready', message }
  }
  if (rules.isShort?.() === true) {
    const message =
      'this node is short of memory (TICKER_MEMORY_LIMIT_BYTES): try another one, or again after a while'
    return { status: 503, retryAfterS: 10, reason: 'memory', message }
  }
  if (isOriginAllowed(origin, rules.allowedOrigins)) return undefined
  return { status: 403, reason: 'origin', message: `Origin ${origin}: not among TICKER_ALLOWED_ORIGINS` }
}

/** The answers to connections that get no slot or no turn. */
export const admissionRefusals: Readonly<Record<AdmissionRefusal, Omit<HandshakeRefusal, 'reason'>>> = {
  address: {
    status: 429,
    message: 'too many connections from this address (TICKER_MAX_CONNECTIONS_PER_ADDRESS)',
    retryAfterS: 5,
  },
  rate: {
    status: 429,
    message: 'too many handshakes at once; connect again after a while, with a growing, jittered delay',
    retryAfterS: 5,
  },
  silence: {
    status: 503,
    message: 'the limits of this node cannot be asked for at the moment; try again',
    retryAfterS: 1,
  },
}

/** Answers a request that is refused. */
export async function refuseRequest(
  reply: FastifyReply,
  { status, message, retryAfterS }: Omit<HandshakeRefusal, 'reason'>,
): Promise<void> {
  if (retryAfterS !== undefined) reply.header('retry-after', String(retryAfterS))
  await reply.code(status).send({ error: message })
}
