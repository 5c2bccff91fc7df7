import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from 'node:crypto'
import { link, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { calculateJwkThumbprint } from 'jose'
import type { Mode } from '../config/mode.ts'
import { messageOf, TickerError } from '../ticker-error.ts'

/** The ES256 key pair of this working directory's development tokens. */
export interface DevelopmentKey {
  /** The key's thumbprint (RFC 7638). */
  readonly id: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** The development key is asked for in production, or its file is damaged or open to others. */
export class DevelopmentKeyError extends TickerError {
  readonly code = 'TICKER_DEVELOPMENT_KEY'
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
  const text = (await readPrivateFile(path)) ?? (await createFile(path))
  return parseKey(text, path)
}

/** The file's text; `undefined` where there is no file. */
async function readPrivateFile(path: string): Promise<string | undefined> {
  let file
  try {
    file = await open(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new DevelopmentKeyError(
      `${path}: cannot be opened (${messageOf(error)}); correct its owner or remove it`,
      {
        cause: error,
      },
    )
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw new DevelopmentKeyError(`${path}: not a file; remove it`)
    const { mode } = stats
    // Windows has no such modes and reports 0666.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0')
      throw new DevelopmentKeyError(
        `${path}: mode ${octal} lets others read the key; remove it for a new one, or: chmod 600 ${path}`,
      )
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** Makes a key and links it into place whole, so that no reader sees half a file; a file that is there stays. */
async function createFile(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(temporary, `${JSON.stringify(privateKey.export({ format: 'jwk' }))}\n`, {
      flag: 'wx',
      mode: 0o600,
      flush: true,
    })
    await linkUnlessThere(temporary, path)
  } catch (error) {
    throw new DevelopmentKeyError(`${path}: cannot be made (${messageOf(error)}); make its folder writable`, {
      cause: error,
    })
  } finally {
    await rm(temporary, { force: true })
  }
  const text = await readPrivateFile(path)
  if (text === undefined) throw new DevelopmentKeyError(`${path}: removed while it was made; start again`)
  return text
}

async function linkUnlessThere(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
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

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
