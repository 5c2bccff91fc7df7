import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { extension } from 'ws'
import { type AllowedOrigins, isOriginAllowed } from '../../auth/request-headers.ts'
import { deflateWindowBits } from '../../wire/payload.ts'
import type { WireForm } from '../../wire/wire-form.ts'
import type { AdmissionRefusal } from '../handshake-admission.ts'

const refusalReasons = [
  'feed',
  'not_ready',
  'origin',
  'query',
  'version',
  'subprotocol',
  'malformed',
  'address',
  'rate',
  'memory',
  'silence',
] as const

export type HandshakeRefusalReason = (typeof refusalReasons)[number]

/** Handshakes refused since start, by reason. */
export type HandshakeRefusalCounts = Record<HandshakeRefusalReason, number>

/** A refused handshake. The answer says why, for people who read the client's log. */
export interface HandshakeRefusal {
  readonly status: number
  readonly reason: HandshakeRefusalReason
  readonly message: string
  readonly retryAfterS?: number
}

export interface HandshakeRules {
  readonly allowedOrigins: AllowedOrigins
  /** Whether a feed is warmed up and the node is not leaving. */
  readonly isReady: (feed: string) => boolean
  /** Whether the node is short of memory, and accepts no connection; never, if left out. */
  readonly isShort?: () => boolean
}

export function createHandshakeRefusalCounts(): HandshakeRefusalCounts {
  return {
    feed: 0,
    not_ready: 0,
    origin: 0,
    query: 0,
    version: 0,
    subprotocol: 0,
    malformed: 0,
    address: 0,
    rate: 0,
    memory: 0,
    silence: 0,
  }
}

/** The feed that a client asks for. */
interface RequestedFeed {
  readonly name: string
  /** How its sessions may speak; a client that offers no subprotocol gets the first one. */
  readonly forms: readonly [WireForm, ...WireForm[]]
}

/** Returns why a request for the stream of a feed is refused; `undefined` where it is not. */
export function checkHandshake(
  request: FastifyRequest,
  { name, forms }: RequestedFeed,
  rules: HandshakeRules,
): HandshakeRefusal | undefined {
  const { origin } = request.headers
  if (!rules.isReady(name)) {
    const message = 'not ready: still reading the log, or leaving; try again'
    return { status: 503, retryAfterS: 1, reason: 'not_ready', message }
  }
  if (rules.isShort?.() === true) {
    const message =
      'this node is short of memory (TICKER_MEMORY_LIMIT_BYTES): try another one, or again after a while'
    return { status: 503, retryAfterS: 10, reason: 'memory', message }
  }
  if (!isOriginAllowed(origin, rules.allowedOrigins)) {
    return { status: 403, reason: 'origin', message: `Origin ${origin}: not among TICKER_ALLOWED_ORIGINS` }
  }
  if (request.url.includes('?')) {
    const message =
      'no query is taken here: a token goes into the Authorization header or the "auth" message, ' +
      'never into a URL'
    return { status: 400, reason: 'query', message }
  }
  return request.ws ? checkUpgrade(request.headers, forms) : undefined
}

function checkUpgrade(
  headers: FastifyRequest['headers'],
  forms: readonly WireForm[],
): HandshakeRefusal | undefined {
  // `ws` also accepts draft 8, whose browsers send no `Origin`
  // (draft-ietf-hybi-thewebsocketprotocol-08 §1.6).
  if (headers['sec-websocket-version'] !== '13') {
    return { status: 426, reason: 'version', message: 'expected Sec-WebSocket-Version: 13 (RFC 6455)' }
  }
  const offered = headers['sec-websocket-protocol']
  if (offered === undefined || chooseForm(forms, splitProtocols(offered)) !== undefined) return undefined
  const known = forms.map(subprotocolOf).join(', ')
  const message = `Sec-WebSocket-Protocol ${offered}: expected ${known}, or none`
  return { status: 400, reason: 'subprotocol', message }
}

function splitProtocols(offered: string): string[] {
  return offered.split(',').map(name => name.trim())
}

/** The subprotocol of a form is its name (`PROTOCOL.md` §1). */
export function subprotocolOf({ name }: WireForm): string {
  return name
}

/** Returns the first form that the client offers and the gateway has. */
export function chooseForm(forms: readonly WireForm[], offered: Iterable<string>): WireForm | undefined {
  for (const name of offered) {
    const form = forms.find(each => subprotocolOf(each) === name)
    if (form !== undefined) return form
  }
  return undefined
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

/**
 * Leaves `ws` the one offer of compression that the gateway accepts, if there is one: `ws` would refuse the
 * handshake for an offer that it does not like, whatever other offers follow.
 */
export function keepAcceptableOffer({ headers }: IncomingMessage): void {
  const name = 'sec-websocket-extensions'
  if (headers[name] === undefined) return
  try {
    const chosen = acceptableOffer(headers[name])
    if (chosen === undefined) delete headers[name]
    else headers[name] = chosen
  } catch {
    // Malformed: `ws` refuses it.
  }
}

const deflateName = 'permessage-deflate'

/**
 * Returns the first acceptable offer of `permessage-deflate` as a header of its own. `undefined`: there is
 * none, and the extension is declined (RFC 7692 §5.1). Throws a `SyntaxError` for a malformed header (RFC
 * 6455 §9.1).
 */
function acceptableOffer(header: string): string | undefined {
  const offers = extension.parse(header)[deflateName] ?? []
  const offer = offers.find(parameters =>
    Object.entries(parameters).every(
      ([parameter, [value, ...repeated]]) => repeated.length === 0 && isAcceptable(parameter, value),
    ),
  )
  return offer && extension.format({ [deflateName]: [offer] })
}

/** RFC 7692 §7.1. A client whose window is smaller than that of our frames gets them uncompressed. */
function isAcceptable(parameter: string, value: string | true | undefined): boolean {
  switch (parameter) {
    case 'server_no_context_takeover':
    case 'client_no_context_takeover':
      return value === true
    case 'server_max_window_bits':
      return isWindowBits(value) && Number(value) >= deflateWindowBits
    case 'client_max_window_bits':
      return value === true || isWindowBits(value)
    default:
      return false
  }
}

function isWindowBits(value: string | true | undefined): boolean {
  return typeof value === 'string' && /^(?:[89]|1[0-5])$/.test(value)
}
