import {
  type AuthenticationProviderArgs,
  type KafkaConfig,
  type Mechanism,
  type SASLOptions,
  logLevel,
} from 'kafkajs'
import { TickerError, messageOf } from '../../../diagnostics/ticker-error.ts'
import { AccessTokenError, KafkaError, type Severity } from '../kafka-error.ts'
import { type AccessTokens, createAccessTokens } from './access-tokens.ts'
import { adviceOn } from './connection-advice.ts'
import type { KafkaSasl, KafkaTls } from './kafka-access.ts'
import { socketFactory } from './kafkajs-patches.ts'

/** How to reach the cluster. */
export interface KafkaAccess {
  /** `host:port` of at least one broker, from which the others are learnt. */
  readonly brokers: readonly string[]
  readonly clientId: string
  /** Plain if left out. */
  readonly tls?: KafkaTls | undefined
  readonly sasl?: KafkaSasl | undefined
}

/** A connection that takes longer has failed, and so has a request; a long poll waits half a second. */
const connectionTimeoutMs = 3000
export const requestTimeoutMs = 10_000
/**
 * What is left of a session (KIP-368) when it is renewed. With kafkajs' own ten seconds, a session of less would be
 * renewed before every request, and brokers refuse that more than once in a second.
 */
const reauthenticationThresholdMs = 1000

/** What kafkajs wants to know for every connection; to be made once for all, which then share access tokens. */
export function kafkajsConfig({ clientId, tls, sasl }: KafkaAccess) {
  return {
    clientId,
    ...(sasl && { sasl: saslOptions(sasl) }),
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    reauthenticationThreshold: reauthenticationThresholdMs,
    socketFactory: socketFactory(tls),
    // Whatever it logs also rejects a promise of ours, whose owner logs it.
    logLevel: logLevel.NOTHING,
    logCreator: () => () => undefined,
  } satisfies Partial<KafkaConfig>
}

export type KafkajsConfig = ReturnType<typeof kafkajsConfig>

/**
 * The outcome of something that kafkajs does. Rejects with errors of ours, and in any case after a while: a
 * request that meets the end of its connection in a certain moment is never answered nor timed out by kafkajs.
 */
export async function settled<Result>(
  work: Promise<Result>,
  { what, timeoutMs }: { readonly what: string; readonly timeoutMs: number },
): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(new KafkaError(`${what}: no outcome in ${timeoutMs} ms`, { severity: 'fatal' }))
  const timer = setTimeout(giveUp, timeoutMs)
  try {
    return await Promise.race([work, late])
  } catch (thrown) {
    if (thrown instanceof TickerError && !(thrown instanceof AccessTokenError)) throw thrown
    const message = `${what}: ${oneLine(messageOf(thrown))}${adviceOn(thrown)}`
    throw new KafkaError(message, { cause: thrown, severity: severityOf(thrown) })
  } finally {
    clearTimeout(timer)
  }
}

/** OpenSSL ends its messages with a line feed. */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ')
}

/** Final for the connection, not for what it is asked: credentials may be put right, and a session be begun anew. */
const finalForConnection = new Set<unknown>([
  'ILLEGAL_SASL_STATE',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
])

/** Only what a broker calls final is; kafkajs also calls its own exhaustion final, and wraps the reason. */
function severityOf(thrown: unknown): Severity {
  if (!(thrown instanceof Error)) return 'retriable'
  if (thrown.name !== 'KafkaJSProtocolError') return severityOf(thrown.cause)
  const isOfConnection = 'type' in thrown && finalForConnection.has(thrown.type)
  return 'retriable' in thrown && thrown.retriable === false && !isOfConnection ? 'fatal' : 'retriable'
}

/** SASL as kafkajs wants it. Access tokens are remembered by the result: one serves all connections. */
function saslOptions(sasl: KafkaSasl): SASLOptions | Mechanism {
  if (sasl.mechanism === 'OAUTHBEARER') return oauthBearer(createAccessTokens(sasl.tokens))
  const credentials = { username: sasl.username, password: sasl.password.reveal() }
  if (sasl.mechanism === 'PLAIN') return { mechanism: 'plain', ...credentials }
  if (sasl.mechanism === 'SCRAM-SHA-256') return { mechanism: 'scram-sha-256', ...credentials }
  return { mechanism: 'scram-sha-512', ...credentials }
}

/** Bytes in front of what SASL says, as kafkajs passes it on: its length. */
const lengthBytes = 4
const separator = '\x01'

/**
 * OAUTHBEARER (RFC 7628) for kafkajs. Its own takes a refusal for success, since a broker refuses by a
 * challenge, and then wonders that the connection is closed.
 */
function oauthBearer(tokens: AccessTokens): Mechanism {
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
