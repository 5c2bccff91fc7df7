import { isIP, connect as connectPlain } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { type ISocketFactory, type KafkaConfig, type LogEntry, logLevel, type SASLOptions } from 'kafkajs'
import type { WarnLog } from '../../rate-limited-log.ts'
import { messageOf, TickerError } from '../../ticker-error.ts'
import { KafkaError, type Severity } from './kafka-error.ts'

/** How to reach the cluster. */
export interface KafkaAccess {
  /** `host:port` of at least one broker, from which the others are learnt. */
  readonly brokers: readonly string[]
  readonly clientId: string
  /** TLS, with a client's certificate where the brokers want one; plain if left out. */
  readonly ssl?: ConnectionOptions
  readonly sasl?: SASLOptions
}

/** A connection that takes longer has failed, and so has a request; a long poll waits half a second. */
export const connectionTimeoutMs = 3000
export const requestTimeoutMs = 10_000
const keepAliveMs = 60_000

/** What kafkajs wants to know for every connection. */
export function kafkajsConfig({ clientId, ssl, sasl }: KafkaAccess, log: WarnLog) {
  return {
    clientId,
    ...(ssl && { ssl }),
    ...(sasl && { sasl }),
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    socketFactory: openSocket,
    ...kafkajsLogging(log),
  } satisfies Partial<KafkaConfig>
}

/** Makes kafkajs log through `log`. */
export function kafkajsLogging(log: WarnLog) {
  const logCreator =
    () =>
    ({ log: { message } }: LogEntry) => {
      // Retries are limited on purpose: a batch is repeated as it is, by the same producer.
      if (!message.startsWith('Limiting retries')) log.warn({ client: 'kafkajs' }, message)
    }
  return { logLevel: logLevel.WARN, logCreator }
}

/** A socket to a broker. kafkajs would leave Nagle's algorithm on. */
export const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const name = isIP(host) === 0 ? { servername: host } : {}
  const socket = ssl
    ? connectTls({ host, port, ...name, ...ssl }, onConnect)
    : connectPlain({ host, port }, onConnect)
  return socket.setNoDelay(true).setKeepAlive(true, keepAliveMs)
}

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
    if (thrown instanceof TickerError) throw thrown
    throw new KafkaError(`${what}: ${messageOf(thrown)}`, { cause: thrown, severity: severityOf(thrown) })
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Only what a broker calls final is; kafkajs also calls its own exhaustion final, and wraps the reason. A SASL
 * state that does not fit is one of the connection, and goes with it.
 */
function severityOf(thrown: unknown): Severity {
  if (!(thrown instanceof Error)) return 'retriable'
  if (thrown.name !== 'KafkaJSProtocolError') return severityOf(thrown.cause)
  const isOfConnection = 'type' in thrown && thrown.type === 'ILLEGAL_SASL_STATE'
  return 'retriable' in thrown && thrown.retriable === false && !isOfConnection ? 'fatal' : 'retriable'
}
