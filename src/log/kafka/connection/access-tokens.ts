import { readFile } from 'node:fs/promises'
import { type Clock, systemClock } from '../../../system/clock.ts'
import { messageOf } from '../../../diagnostics/ticker-error.ts'
import { AccessTokenError } from '../kafka-error.ts'
import type { TokenEndpoint, TokenSource } from './kafka-access.ts'

/** A token is renewed when less of its life is left, or less than half of its life if that is shorter. */
const minRemainingMs = 60_000
const requestTimeoutMs = 8000
const maxAnswerBytes = 65_536
const urlCure = 'check TICKER_KAFKA_OAUTH_TOKEN_URL'

export interface AccessTokens {
  /** A token that remains valid for a while. Rejects with an `AccessTokenError`. */
  get(): Promise<string>
  /** Makes the next `get` ask for a new token, because a broker refused the last one. */
  forget(): void
}

/** An access token and its lifetime; `undefined`: unknown, so it is used once. */
interface GrantedToken {
  readonly value: string
  readonly lifetimeMs: number | undefined
}

/** Access tokens from a file, read each time, or from an endpoint, whose tokens are kept while they last. */
export function createAccessTokens(source: TokenSource, clock: Clock = systemClock): AccessTokens {
  if (source.kind === 'file') return { get: () => readToken(source.path), forget: () => undefined }
  return new CachedTokens(() => requestToken(source), clock)
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
  readonly #clock: Clock
  #token: Promise<string> | undefined
  #renewAtMs = 0

  constructor(request: () => Promise<GrantedToken>, clock: Clock) {
    this.#request = request
    this.#clock = clock
  }

  /** Several callers share one request. */
  get(): Promise<string> {
    if (this.#token === undefined || this.#clock.steady() >= this.#renewAtMs) this.#token = this.#renew()
    return this.#token
  }

  forget(): void {
    this.#renewAtMs = 0
  }

  async #renew(): Promise<string> {
    this.#renewAtMs = Number.POSITIVE_INFINITY
    const requestedAtMs = this.#clock.steady()
    try {
      const { value, lifetimeMs = 0 } = await this.#request()
      this.#renewAtMs = requestedAtMs + lifetimeMs - Math.min(minRemainingMs, lifetimeMs / 2)
      return value
    } catch (error) {
      this.#renewAtMs = 0
      throw error
    }
  }
}

/**
 * Asks a token endpoint once for a token, with the client's credentials (RFC 6749 §4.4). Rejects with an
 * `AccessTokenError`, which holds the endpoint's error code, but neither the secret nor the rest of the
 * answer.
 */
async function requestToken(endpoint: TokenEndpoint): Promise<GrantedToken> {
  const where = `token endpoint ${new URL(endpoint.url).origin}`
  try {
    const response = await fetch(endpoint.url, {
      method: 'POST',
      // A redirect would carry the secret to another server.
      redirect: 'error',
      signal: AbortSignal.timeout(requestTimeoutMs),
      headers: { accept: 'application/json', authorization: authorizationOf(endpoint) },
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

/** HTTP Basic. Both parts are encoded as in forms (RFC 6749 §2.3.1). */
function authorizationOf({ clientId, clientSecret }: TokenEndpoint): string {
  const [id, secret] = [clientId, clientSecret.reveal()].map(
    text => new URLSearchParams({ '': text }).toString().slice(1), // Without the "=".
  )
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

async function readAnswer(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > maxAnswerBytes) throw new AccessTokenError(`more than ${maxAnswerBytes} bytes`)
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
  if (typeof token !== 'string') throw new AccessTokenError(`an answer without access_token; ${urlCure}`)
  const hasLifetime = typeof seconds === 'number' && seconds > 0
  return { value: checkedToken(token), lifetimeMs: hasLifetime ? seconds * 1000 : undefined }
}

/** The text, if it is a bearer token (RFC 6750 §2.1); other bytes could end a SASL message. */
function checkedToken(text: string): string {
  if (/^[A-Za-z0-9._~+/-]+=*$/.test(text)) return text
  throw new AccessTokenError(`${text.length} characters that are not a bearer token`)
}

/** The endpoint's error code (RFC 6749 §5.2). Other text is left out, since it may repeat the request. */
function errorCodeOf({ error }: Readonly<Record<string, unknown>>): string {
  return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` ${error}` : ''
}

/** The reason that Node keeps behind its message "fetch failed". */
function reasonOf(thrown: unknown): string {
  return messageOf(thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown)
}
