import type { KeyObject } from 'node:crypto'
import type { JWTVerifyGetKey } from 'jose'
import type { Mode } from '../config/mode.ts'
import type { WarnLog } from '../diagnostics/rate-limited-log.ts'
import { readDevelopmentKey } from './development-token.ts'
import { KeySet } from './key-set.ts'

/**
 * The source of the keys that verify tokens: the issuer's key set, one public key, or the key pair that is
 * generated for development.
 */
export type KeySource =
  | { readonly kind: 'jwks'; readonly url: string; readonly maxStaleMs: number }
  | { readonly kind: 'public'; readonly key: KeyObject }
  | { readonly kind: 'development' }

/** The keys of a source. */
export interface TokenKeys {
  /** Finds the key for a token's header among those read. */
  readonly find: JWTVerifyGetKey
  /** The key set, where the keys come from one. */
  readonly set: KeySet | undefined
}

/**
 * Opens a source of keys. A key set is read when a token needs it, and periodically between its `start` and
 * `stop`, which the caller calls. In development the generated key is read, or made; rejects with a
 * `DevelopmentKeyError` where that is impossible.
 */
export async function openTokenKeys(source: KeySource, mode: Mode, log: WarnLog): Promise<TokenKeys> {
  if (source.kind === 'jwks') {
    const set = new KeySet({ ...source, log })
    return { find: set.find, set }
  }
  const key = source.kind === 'public' ? source.key : (await readDevelopmentKey(mode)).publicKey
  return { find: () => key, set: undefined }
}
