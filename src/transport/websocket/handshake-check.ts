import { extension } from 'ws'
import { deflateWindowBits } from '../../wire/prepared-frame.ts'

/** Why a handshake was refused. */
const handshakeRefusals = [
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

export type HandshakeRefusal = (typeof handshakeRefusals)[number]

/** Handshakes refused since start, by reason. */
export type HandshakeRefusalCounts = Record<HandshakeRefusal, number>

export function createHandshakeRefusalCounts(): HandshakeRefusalCounts {
  return {
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

const name = 'permessage-deflate'

/**
 * The first offer of `permessage-deflate` that the gateway can accept, as a header of its own; `undefined` where there is none, and
 * the extension is declined (RFC 7692 §5.1). `ws` would refuse the handshake for an offer that it does not like, whatever stands behind
 * it. Throws a `SyntaxError` where the header is malformed (RFC 6455 §9.1).
 */
export function acceptableOffer(header: string): string | undefined {
  const offers = extension.parse(header)[name] ?? []
  const offer = offers.find(parameters =>
    Object.entries(parameters).every(
      ([parameter, [value, ...repeated]]) => repeated.length === 0 && isAcceptable(parameter, value),
    ),
  )
  return offer && extension.format({ [name]: [offer] })
}

/** RFC 7692 §7.1. A client that can hold only less than the window of our frames gets them uncompressed. */
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
