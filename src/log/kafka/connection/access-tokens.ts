import { readFile } from 'node:fs/promises'
import { messageOf } from '../../../diagnostics/ticker-error.ts'
import { AccessTokenError } from '../kafka-error.ts'
import type { TokenEndpoint, TokenSource } from './kafka-access.ts'

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

const timeoutMs = 8000
const longestAnswerBytes = 65_536

/**
 * Asks a token endpoint for a token by the client's credentials (RFC 6749 §4.4), once. Rejects with an
 * `AccessTokenError` that holds neither the secret nor what the endpoint wrote, but its error code.
 */
async function requestToken(endpoint: TokenEndpoint): Promise<GrantedToken> {
  const where = `token endpoint ${new URL(endpoint.url).origin}`
  try {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      // A redirect would carry the secret to whom it was not given.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      headers: { accept: 'application/json', authorization: credentialsOf(endpoint) },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        ...(endpoint.scope !== undefined && { scope: endpoint.scope }),
      }),
    })
    const answer = await readAnswer(response)
    if (response.ok) return grantedToken(answer)
    const cure = 'check TICKER_KAFKA_OAUTH_CLIENT_ID, TICKER_KAFKA_OAUTH_CLIENT_SECRET and the scope'
    throw new AccessTokenError(`it answered ${response.status}${errorCodeOf(answer)}; ${cure}`)
  } catch (cause) {
    const why = cause instanceof AccessTokenError ? cause.message : `${reasonOf(cause)}; ${urlCure}`
    throw new AccessTokenError(`${where}: ${why}`, { cause })
  }
}

const urlCure = 'check TICKER_KAFKA_OAUTH_TOKEN_URL'

/** HTTP Basic, its parts encoded as in forms (RFC 6749 §2.3.1). */
function credentialsOf({ clientId, clientSecret }: TokenEndpoint): string {
  const [id, secret] = [clientId, clientSecret.reveal()].map(
    text => new URLSearchParams({ '': text }).toString().slice(1), // Behind the "=".
  )
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

async function readAnswer(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > longestAnswerBytes) throw new AccessTokenError(`more than ${longestAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  try {
    const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    return {}
  }
}

function grantedToken(answer: Readonly<Record<string, unknown>>): GrantedToken {
  const { access_token: token, expires_in: seconds } = answer
  if (typeof token !== 'string') {
    throw new AccessTokenError(`an answer without access_token; ${urlCure}`)
  }
  const isLife = typeof seconds === 'number' && seconds > 0
  return { value: checkedToken(token), lifeMs: isLife ? seconds * 1000 : undefined }
}

/** The endpoint's error code (RFC 6749 §5.2), if it is one: anything else may be an echo. */
function errorCodeOf({ error }: Readonly<Record<string, unknown>>): string {
  return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` ${error}` : ''
}

/** What stands behind the "fetch failed" of Node. */
function reasonOf(thrown: unknown): string {
  return messageOf(thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown)
}

/** An access token, and for how long it is good; `undefined`: not said, so it is used once. */
interface GrantedToken {
  readonly value: string
  readonly lifeMs: number | undefined
}

/** The text, if it is a bearer token (RFC 6750 §2.1): other bytes could end a SASL message. Throws an `AccessTokenError`. */
function checkedToken(text: string): string {
  if (/^[A-Za-z0-9._~+/-]+=*$/.test(text)) return text
  throw new AccessTokenError(`${text.length} characters that are no bearer token`)
}
