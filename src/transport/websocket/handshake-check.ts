import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { extension } from 'ws'
import { deflateWindowBits } from '../../wire/payload.ts'
import type { WireForm } from '../../wire/wire-form.ts'
import { type AdmissionRules, admissionReasons, checkAdmission, type HandshakeRefusal } from '../admission.ts'

/** Why a handshake is refused: `version`, `subprotocol`, `malformed` are of WebSocket alone. */
export const webSocketRefusalReasons = [...admissionReasons, 'version', 'subprotocol', 'malformed'] as const

export type WebSocketRefusal = HandshakeRefusal<(typeof webSocketRefusalReasons)[number]>

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
  rules: AdmissionRules,
): WebSocketRefusal | undefined {
  const refusal = checkAdmission(request, name, rules)
  if (refusal !== undefined) return refusal
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
): WebSocketRefusal | undefined {
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
