import type { AuthenticationProviderArgs, Mechanism } from 'kafkajs'
import { messageOf } from '../../ticker-error.ts'
import { AccessTokenError } from './access-token-error.ts'
import type { AccessTokens } from './access-tokens.ts'

/** Bytes in front of what SASL says, as kafkajs passes it on: its length. */
const lengthBytes = 4
const separator = '\x01'

/**
 * OAUTHBEARER (RFC 7628) for kafkajs. Its own takes a refusal for success, since a broker refuses by a
 * challenge, and then wonders that the connection is closed.
 */
export function oauthBearer(tokens: AccessTokens): Mechanism {
  return {
    mechanism: 'OAUTHBEARER',
    authenticationProvider: connection => ({ authenticate: () => authenticate(tokens, connection) }),
  }
}

async function authenticate(tokens: AccessTokens, connection: AuthenticationProviderArgs): Promise<void> {
  const token = await tokens.get()
  const first = `n,,${separator}auth=Bearer ${token}${separator}${separator}`
  const challenge = await exchange(connection, first)
  if (challenge === '') return
  tokens.forget()
  // The broker ends the exchange, and logs it, when the refusal was taken note of (RFC 7628 §3.2.3).
  const why = await exchange(connection, separator).catch(messageOf)
  throw new AccessTokenError(
    `SASL OAUTHBEARER: the broker refused the access token (${statusOf(challenge)}): ` +
      `${why.includes(token) ? '' : `${why}; `}check its expiry, issuer, audience and scope`,
  )
}

/** Says something, and returns what the broker answers; an empty text is its consent. */
async function exchange(connection: AuthenticationProviderArgs, text: string): Promise<string> {
  const message = Buffer.from(text, 'utf8')
  const bytes = Buffer.alloc(lengthBytes + message.length)
  bytes.writeInt32BE(message.length)
  message.copy(bytes, lengthBytes)
  const answer = await connection.saslAuthenticate({
    request: { encode: () => bytes },
    response: {
      decode: raw => raw,
      parse: (raw: Buffer) => raw.subarray(lengthBytes).toString('utf8'),
    },
  })
  return answer ?? ''
}

/** The `status` of a broker's challenge, such as `invalid_token`. */
function statusOf(challenge: string): string {
  return /"status"\s*:\s*"([a-z_]{1,40})"/.exec(challenge)?.[1] ?? 'no status'
}
