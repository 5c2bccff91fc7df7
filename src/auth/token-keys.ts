import type { KeyObject } from 'node:crypto'
import { createRemoteJWKSet, customFetch, type FetchImplementation, type JWTVerifyGetKey } from 'jose'
import type { Mode } from '../config/mode.ts'
import { readDevelopmentKey } from './development-key.ts'

/**
 * Where the keys come from that tokens are checked with: the issuer's key set, one public key, or the key
 * pair that is generated for development.
 */
export type KeySource =
  | { readonly kind: 'jwks'; readonly url: string }
  | { readonly kind: 'public'; readonly key: KeyObject }
  | { readonly kind: 'development' }

/** How a key set is read; times in milliseconds, with defaults for production. */
export interface KeySetOptions {
  /** For one request. */
  readonly timeoutMs?: number
  /** After a good answer, for how long an unknown key does not make us ask again: strangers can name any key. */
  readonly cooldownMs?: number
  /** After a failed request, for how long every token that needs one is refused at once. */
  readonly pauseMs?: number
  /** Milliseconds since 1970; `Date.now` where absent. */
  readonly now?: () => number
}

/** A key set is read again after this time even if no token asks for it, so that a withdrawn key ends. */
const keySetAgeMs = 600_000

/**
 * Opens a source of keys. A key set is first read when a token arrives, and again when one names an unknown key. In
 * development the generated key is read, or made; rejects with a `DevelopmentKeyError` where that is impossible.
 */
export async function openTokenKeys(source: KeySource, mode: Mode): Promise<JWTVerifyGetKey> {
  if (source.kind === 'jwks') return createKeySet(source.url)
  const key = source.kind === 'public' ? source.key : (await readDevelopmentKey(mode)).publicKey
  return () => key
}

/** The keys of a key set (RFC 7517 §5) served at a URL. At most one request is under way at a time. */
export function createKeySet(url: string, options: KeySetOptions = {}): JWTVerifyGetKey {
  const { timeoutMs = 5000, cooldownMs = 30_000 } = options
  return createRemoteJWKSet(new URL(url), {
    timeoutDuration: timeoutMs,
    cooldownDuration: cooldownMs,
    cacheMaxAge: keySetAgeMs,
    [customFetch]: createPausingFetch(options),
  })
}

/** jose asks again for every token while the issuer is down; with thousands reconnecting that helps nobody. */
function createPausingFetch(options: KeySetOptions): FetchImplementation {
  const { pauseMs = 1000, now = Date.now } = options
  let resumesAtMs = Number.NEGATIVE_INFINITY
  return async (url, request) => {
    if (now() < resumesAtMs) throw new TypeError(`not asked again within ${pauseMs} ms of a failure`)
    try {
      const response = await fetch(url, request)
      if (response.status !== 200) resumesAtMs = now() + pauseMs
      return response
    } catch (error) {
      resumesAtMs = now() + pauseMs
      throw error
    }
  }
}
