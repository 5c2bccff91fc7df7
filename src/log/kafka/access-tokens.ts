import { readFile } from 'node:fs/promises'
import { messageOf } from '../../ticker-error.ts'
import { AccessTokenError } from './access-token-error.ts'
import { checkedToken, type GrantedToken } from './granted-token.ts'
import type { TokenSource } from './kafka-security.ts'
import { requestToken } from './token-request.ts'

/** A token with less left of its life is not given out, unless that is half of what it had. */
const leastRemainingMs = 60_000

export interface AccessTokens {
  /** A token that is good for a while. Rejects with an `AccessTokenError`. */
  get(): Promise<string>
  /** To be called when a broker refused what `get` gave: the next one is new. */
  forget(): void
}

/** Gives access tokens from their source: a file's anew each time, an endpoint's from memory while they last. */
export function createAccessTokens(source: TokenSource, nowMs = () => performance.now()): AccessTokens {
  if (source.kind === 'file') return { get: () => readToken(source.path), forget: () => undefined }
  return new CachedTokens(() => requestToken(source), nowMs)
}

async function readToken(path: string): Promise<string> {
  try {
    return checkedToken((await readFile(path, 'utf8')).trim())
  } catch (cause) {
    const what = `${path}: no access token: ${messageOf(cause)}`
    throw new AccessTokenError(`${what}; check TICKER_KAFKA_OAUTH_TOKEN_FILE`, { cause })
  }
}

class CachedTokens implements AccessTokens {
  readonly #request: () => Promise<GrantedToken>
  readonly #nowMs: () => number
  #token: Promise<string> | undefined
  #renewAtMs = 0

  constructor(request: () => Promise<GrantedToken>, nowMs: () => number) {
    this.#request = request
    this.#nowMs = nowMs
  }

  /** Who asks while a token is on its way gets that one. */
  get(): Promise<string> {
    if (this.#token === undefined || this.#nowMs() >= this.#renewAtMs) this.#token = this.#renew()
    return this.#token
  }

  forget(): void {
    this.#renewAtMs = 0
  }

  async #renew(): Promise<string> {
    this.#renewAtMs = Number.POSITIVE_INFINITY
    const askedAtMs = this.#nowMs()
    try {
      const { value, lifeMs = 0 } = await this.#request()
      this.#renewAtMs = askedAtMs + lifeMs - Math.min(leastRemainingMs, lifeMs / 2)
      return value
    } catch (error) {
      this.#renewAtMs = 0
      throw error
    }
  }
}
