import {
  type KeyObject,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
} from 'node:crypto'
import { SignJWT, calculateJwkThumbprint } from 'jose'
import type { Mode } from '../config/mode.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { DevelopmentKeyError, createPrivateFile, readPrivateFile } from './development-file.ts'
import type { Scope } from './grant.ts'

/** The ES256 key pair that signs the development tokens of this working directory. */
interface DevelopmentKey {
  /** The key's thumbprint (RFC 7638). */
  readonly id: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** The path of the key, relative to the working directory; git ignores the folder. */
const developmentKeyPath = '.ticker/development-key.json'

/**
 * Reads the development key: a JWK in a file of mode 0600. Creates it if there is none. If several processes
 * create it at once, all use the first one's key. Works in development only; rejects with a
 * `DevelopmentKeyError`.
 */
export async function readDevelopmentKey(
  mode: Mode,
  path: string = developmentKeyPath,
): Promise<DevelopmentKey> {
  if (mode !== 'development') {
    throw new DevelopmentKeyError(
      'TICKER_MODE=production: development keys exist only in development; set TICKER_MODE=development, or ' +
        'ask your issuer for a token',
    )
  }
  const text = (await readPrivateFile(path)) ?? (await createPrivateFile(path, newKeyText()))
  return parseKey(text, path)
}

/** Rejects with a `DevelopmentKeyError` where the key exists but cannot be read; makes none. */
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
    // Without the cause, which may show the file's text.
    throw new DevelopmentKeyError(
      `${path}: damaged; delete it and a new key is made; existing tokens stop working`,
    )
  }
}

/** Parses a private P-256 JWK (RFC 7518 §6.2) and keeps its standard members only. */
function parseJwk(text: string): { kty: 'EC'; crv: 'P-256'; x: string; y: string; d: string } {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new TypeError('not an object')
  const { kty, crv, x, y, d } = Object.fromEntries<unknown>(Object.entries(value))
  if (kty !== 'EC' || crv !== 'P-256') throw new TypeError('not a P-256 key')
  if (typeof x !== 'string' || typeof y !== 'string' || typeof d !== 'string')
    throw new TypeError('incomplete')
  return { kty, crv, x, y, d }
}

/** The issuer, audience and algorithm of development tokens, which a gateway in development expects. */
export const developmentIdentity = {
  issuer: 'ticker-development',
  audience: 'ticker-gateway',
  algorithms: ['ES256'],
} as const

/** The claims of a development token; `*` allows everything. */
export interface DevelopmentTokenRequest {
  readonly key: DevelopmentKey
  readonly subject: string
  readonly scopes: readonly Scope[]
  readonly feeds: '*' | readonly string[]
  readonly channels: '*' | readonly string[]
  readonly symbols: '*' | readonly string[]
  /** No rooms by default. */
  readonly rooms?: '*' | readonly string[]
  readonly lifetimeS: number
  readonly clock?: Clock
}

/** Signs a token, with an id of its own, that a gateway in development on this machine accepts. */
export function signDevelopmentToken(request: DevelopmentTokenRequest): Promise<string> {
  const { key, subject, scopes, feeds, channels, symbols, rooms = [], lifetimeS } = request
  const nowS = Math.floor((request.clock ?? systemClock).wall() / 1000)
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
