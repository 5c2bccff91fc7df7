import {
  type AuthenticationProviderArgs,
  type KafkaConfig,
  logLevel,
  type Mechanism,
  type SASLOptions,
} from 'kafkajs'
import { type Clock, systemClock } from '../../../system/clock.ts'
import { messageOf } from '../../../diagnostics/ticker-error.ts'
import { AccessTokenError } from '../kafka-error.ts'
import { type AccessTokens, createAccessTokens } from './access-tokens.ts'
import type { KafkaAccess, KafkaSasl } from './kafka-access.ts'
import { reauthenticationThresholdMs, socketFactory } from './kafkajs-patches.ts'

const connectionTimeoutMs = 3000
/** A request that takes longer has failed; a long poll waits half a second. */
export const requestTimeoutMs = 10_000

/** The settings of kafkajs for every connection. Made once, so that all connections share access tokens. */
export function kafkajsConfig({ clientId, tls, sasl }: KafkaAccess, clock: Clock = systemClock) {
  return {
    clientId,
    ...(sasl && { sasl: saslOptions(sasl, clock) }),
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    reauthenticationThreshold: reauthenticationThresholdMs,
    socketFactory: socketFactory(tls),
    // Whatever kafkajs logs also rejects a promise of ours, whose owner logs it.
    logLevel: logLevel.NOTHING,
    logCreator: () => () => undefined,
  } satisfies Partial<KafkaConfig>
}

export type KafkajsConfig = ReturnType<typeof kafkajsConfig>

function saslOptions(sasl: KafkaSasl, clock: Clock): SASLOptions | Mechanism {
  if (sasl.mechanism === 'OAUTHBEARER') return oauthBearer(createAccessTokens(sasl.tokens, clock))
  const credentials = { username: sasl.username, password: sasl.password.reveal() }
  if (sasl.mechanism === 'PLAIN') return { mechanism: 'plain', ...credentials }
  if (sasl.mechanism === 'SCRAM-SHA-256') return { mechanism: 'scram-sha-256', ...credentials }
  return { mechanism: 'scram-sha-512', ...credentials }
}

/**
 * OAUTHBEARER (RFC 7628). A broker refuses a token by a challenge; the mechanism of kafkajs takes that for
 * success, and reports only that the connection was closed.
 */
function oauthBearer(tokens: AccessTokens): Mechanism {
  return {
    mechanism: 'OAUTHBEARER',
    authenticationProvider: connection => ({ authenticate: () => authenticate(tokens, connection) }),
  }
}

/** The bytes before a SASL message, as kafkajs passes it on: its length. */
const lengthBytes = 4
const separator = '\x01'

async function authenticate(tokens: AccessTokens, connection: AuthenticationProviderArgs): Promise<void> {
  const token = await tokens.get()
  const first = `n,,${separator}auth=Bearer ${token}${separator}${separator}`
  const challenge = await exchange(connection, first)
  if (challenge === '') return
  tokens.forget()
  // The broker ends the exchange, and logs it, when the client has acknowledged the refusal (RFC 7628
  // §3.2.3).
  const why = await exchange(connection, separator).catch(messageOf)
  throw new AccessTokenError(
    `SASL OAUTHBEARER: the broker refused the access token (${statusOf(challenge)}): ` +
      `${why.includes(token) ? '' : `${why}; `}check its expiry, issuer, audience and scope`,
  )
}

/** Sends a SASL message, and returns the broker's answer. An empty one means consent. */
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
