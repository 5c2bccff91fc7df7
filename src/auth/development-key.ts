import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import type { Mode } from '../config/mode.ts'
import { DevelopmentKeyError, placePrivateFile, readPrivateFile } from './development-file.ts'

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
