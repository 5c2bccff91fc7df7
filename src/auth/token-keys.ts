import type { KeyObject } from 'node:crypto'
import type { JWTVerifyGetKey } from 'jose'
import type { Mode } from '../config/mode.ts'
import type { WarnLog } from '../diagnostics/rate-limited-log.ts'
import { readDevelopmentKey } from './development-token.ts'
import { KeySet } from './key-set.ts'

/**
 * Where the keys come from that tokens are checked with: the issuer's key set, one public key, or the key
 * pair that is generated for development.
 */
export type KeySource =
  | { readonly kind: 'jwks'; readonly url: string; readonly maxStaleMs: number }
  | { readonly kind: 'public'; readonly key: KeyObject }
  | { readonly kind: 'development' }

/** The keys of a source. */
export interface TokenKeys {
  /** The key for a token's header, among those at hand. */
  readonly find: JWTVerifyGetKey
  /** Set where the keys are those of a key set. */
  readonly set: KeySet | undefined
}

/**
 * Opens a source of keys. A key set is read when a token needs it, and by itself from `start` to `stop`, which are the caller's. In
 * development the generated key is read, or made; rejects with a `DevelopmentKeyError` where that is impossible.
 */
export async function openTokenKeys(source: KeySource, mode: Mode, log: WarnLog): Promise<TokenKeys> {
  if (source.kind === 'jwks') {
    const set = new KeySet({ ...source, log })
    return { find: set.find, set }
  }
  const key = source.kind === 'public' ? source.key : (await readDevelopmentKey(mode)).publicKey
  return { find: () => key, set: undefined }
}
