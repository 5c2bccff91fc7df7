import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto'
import { TickerError } from '../diagnostics/ticker-error.ts'

/** The algorithms that a token may be signed with (RFC 7518 §3.1, RFC 8037): those with a public key. */
export const tokenAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
] as const

export type TokenAlgorithm = (typeof tokenAlgorithms)[number]

/** A public key, and the algorithms whose signatures it verifies. */
export interface PublicKey {
  readonly key: KeyObject
  readonly algorithms: readonly TokenAlgorithm[]
}

/** A text is not a public key for verifying tokens. Messages never contain the text. */
export class PublicKeyError extends TickerError {
  readonly code = 'TICKER_KEY'
}

/**
 * Reads a public key from PEM (`BEGIN PUBLIC KEY`, RFC 7468 §13) or a JWK (RFC 7517); `\n` may stand for line
 * ends, as in environment files. Throws a `PublicKeyError` for a private key too, since it does not belong
 * here.
 */
export function parsePublicKey(text: string): PublicKey {
  const trimmed = text.trim()
  return trimmed.startsWith('{') ? fromJwk(trimmed) : fromPem(trimmed.replaceAll('\\n', '\n'))
}

function fromPem(pem: string): PublicKey {
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw new PublicKeyError(privateKeyRule)
  if (!pem.startsWith('-----BEGIN PUBLIC KEY-----')) {
    throw new PublicKeyError('expected a public key as PEM, "BEGIN PUBLIC KEY", or as a JWK')
  }
  return requireAlgorithms(importKey(() => createPublicKey({ key: pem, format: 'pem' })))
}

function fromJwk(text: string): PublicKey {
  const jwk = parseObject(text)
  if ('keys' in jwk)
    throw new PublicKeyError('is a key set; give one of its keys, or set TICKER_JWT_JWKS_URL to its URL')
  if (jwk['kty'] === 'oct')
    throw new PublicKeyError('is a shared secret; tokens are checked with a public key')
  if ('d' in jwk) throw new PublicKeyError(privateKeyRule)
  const use = jwk['use'] ?? 'sig'
  if (use !== 'sig') throw new PublicKeyError('the JWK\'s "use" is not "sig"; give a key for signatures')
  const fitting = requireAlgorithms(importKey(() => createPublicKey({ key: membersOf(jwk), format: 'jwk' })))
  const named = jwk['alg']
  if (named === undefined) return fitting
  const algorithms = fitting.algorithms.filter(algorithm => algorithm === named)
  if (algorithms.length === 0) throw new PublicKeyError('the JWK\'s "alg" does not fit its key')
  return { key: fitting.key, algorithms }
}

const privateKeyRule =
  'is a private key; give its public half (openssl pkey -pubout), and keep the private one elsewhere'

function importKey(create: () => KeyObject): KeyObject {
  try {
    return create()
  } catch {
    // Without the cause, which may show parts of the text.
    throw new PublicKeyError('is a damaged public key; export it again')
  }
}

function requireAlgorithms(key: KeyObject): PublicKey {
  const algorithms = fittingAlgorithms(key)
  if (algorithms.length === 0) {
    throw new PublicKeyError('fits no supported algorithm; use P-256, P-384, P-521, Ed25519 or RSA')
  }
  return { key, algorithms }
}

function fittingAlgorithms(key: KeyObject): readonly TokenAlgorithm[] {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519']
  if (key.asymmetricKeyType === 'ec') {
    if (namedCurve === 'prime256v1') return ['ES256']
    if (namedCurve === 'secp384r1') return ['ES384']
    return namedCurve === 'secp521r1' ? ['ES512'] : []
  }
  if (key.asymmetricKeyType !== 'rsa') return []
  // RFC 7518 §3.3 and §3.5.
  if (modulusLength < 2048)
    throw new PublicKeyError(`is an RSA key of ${modulusLength} bits; use 2048 or more`)
  return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch {
    // JSON's own message would show the text.
  }
  throw new PublicKeyError('expected a JWK: one JSON object')
}

function membersOf(jwk: Readonly<Record<string, unknown>>): webcrypto.JsonWebKey {
  const members: webcrypto.JsonWebKey = {}
  for (const name of ['kty', 'crv', 'x', 'y', 'n', 'e'] as const) {
    const value = jwk[name]
    if (typeof value === 'string') members[name] = value
  }
  return members
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
