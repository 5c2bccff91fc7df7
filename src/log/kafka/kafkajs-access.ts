import { type KafkaConfig, logLevel } from 'kafkajs'
import { messageOf, TickerError } from '../../ticker-error.ts'
import { AccessTokenError } from './access-token-error.ts'
import { socketFactory } from './broker-socket.ts'
import { adviceOn } from './connection-advice.ts'
import { KafkaError, type Severity } from './kafka-error.ts'
import type { KafkaSasl, KafkaTls } from './kafka-security.ts'
import { saslOptions } from './sasl-options.ts'

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
export const connectionTimeoutMs = 3000
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
