import { messageOf } from '../../ticker-error.ts'
import { AccessTokenError } from './access-token-error.ts'
import { checkedToken, type GrantedToken } from './granted-token.ts'
import type { TokenEndpoint } from './kafka-security.ts'

const timeoutMs = 8000
const longestAnswerBytes = 65_536

/**
 * Asks a token endpoint for a token by the client's credentials (RFC 6749 §4.4), once. Rejects with an
 * `AccessTokenError` that holds neither the secret nor what the endpoint wrote, but its error code.
 */
export async function requestToken(endpoint: TokenEndpoint): Promise<GrantedToken> {
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
