import {
  type KeyObject,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
} from 'node:crypto'
import { SignJWT, calculateJwkThumbprint } from 'jose'
import type { Mode } from '../config/mode.ts'
import { DevelopmentKeyError, placePrivateFile, readPrivateFile } from './development-file.ts'
import type { Scope } from './grant.ts'

/** The ES256 key pair of this working directory's development tokens. */
export interface DevelopmentKey {
  /** The key's thumbprint (RFC 7638). */
  readonly id: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** Where the key lies, from the working directory; git ignores the folder. */
export const developmentKeyPath = '.ticker/development-key.json'

/**
 * Reads the development key, making it first where there is none: a JWK in a file of mode 0600. Of several processes
 * that make it at once one wins, and all return its key. Only in development; rejects with a `DevelopmentKeyError`.
 */
export async function readDevelopmentKey(
  mode: Mode,
  path: string = developmentKeyPath,
): Promise<DevelopmentKey> {
  if (mode !== 'development') {
    throw new DevelopmentKeyError(
      'TICKER_MODE=production: development keys exist only in development; set TICKER_MODE=development, or ask your ' +
        'issuer for a token',
    )
  }
  const text = (await readPrivateFile(path)) ?? (await placePrivateFile(path, newKeyText()))
  return parseKey(text, path)
}

/** Rejects with a `DevelopmentKeyError` where the key could not be read; makes none. */
export async function checkDevelopmentKey(path: string = developmentKeyPath): Promise<void> {
  const text = await readPrivateFile(path)
  if (text !== undefined) await parseKey(text, path)
}

function newKeyText(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return `${JSON.stringify(privateKey.export({ format: 'jwk' }))}\n`
}

async function parseKey(text: string, path: string): Promise<DevelopmentKey> {
  try {
    const jwk = parseJwk(text)
    const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
    const publicKey = createPublicKey(privateKey)
    return { id: await calculateJwkThumbprint(jwk), privateKey, publicKey }
  } catch {
    // The cause is left out: it may show the file's text.
    throw new DevelopmentKeyError(
      `${path}: damaged; remove it for a new key, which ends the tokens made so far`,
    )
  }
}

/** A private P-256 JWK (RFC 7518 §6.2), reduced to its members. */
function parseJwk(text: string): { kty: 'EC'; crv: 'P-256'; x: string; y: string; d: string } {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new TypeError('not an object')
  const { kty, crv, x, y, d } = Object.fromEntries<unknown>(Object.entries(value))
  if (kty !== 'EC' || crv !== 'P-256') throw new TypeError('not a P-256 key')
  if (typeof x !== 'string' || typeof y !== 'string' || typeof d !== 'string')
    throw new TypeError('incomplete')
  return { kty, crv, x, y, d }
}

/** What development tokens say of themselves, and what a gateway in development asks for. */
export const developmentIdentity = {
  issuer: 'ticker-development',
  audience: 'ticker-gateway',
  algorithms: ['ES256'],
} as const

/** What a development token is to allow; `*` is everything. */
export interface DevelopmentTokenRequest {
  readonly key: DevelopmentKey
  readonly subject: string
  readonly scopes: readonly Scope[]
  readonly feeds: '*' | readonly string[]
  readonly channels: '*' | readonly string[]
  readonly symbols: '*' | readonly string[]
  /** Absent: no rooms. */
  readonly rooms?: '*' | readonly string[]
  readonly lifetimeS: number
  /** Milliseconds since 1970; the present where absent. */
  readonly nowMs?: number
}

/** Makes a token that a gateway in development on this machine takes, with an id of its own. */
export function signDevelopmentToken(request: DevelopmentTokenRequest): Promise<string> {
  const { key, subject, scopes, feeds, channels, symbols, rooms = [], lifetimeS } = request
  const nowS = Math.floor((request.nowMs ?? Date.now()) / 1000)
  return new SignJWT({ scope: scopes.join(' '), ticker: { feeds, channels, symbols, rooms } })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: key.id })
    .setIssuer(developmentIdentity.issuer)
    .setAudience(developmentIdentity.audience)
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + lifetimeS)
    .sign(key.privateKey)
}
