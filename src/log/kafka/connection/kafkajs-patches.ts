/**
 * Everything that works around kafkajs 2.2.4 (pinned exactly), each with its reason. To be read again with
 * every new version. No other file of `src` imports inner parts of kafkajs; `kafkajs-internals.d.ts` declares
 * them.
 *
 * - Changes inside kafkajs: `patchKafkajs` (an endless timer, fatal bytes), `sendOnce` (lost answers).
 * - Its inner parts, used directly: `createBroker`, `closePool`, `encodeRequest`, `RequestSequence`.
 * - Its options: `noRetries`, `reauthenticationThresholdMs`, `maxBatchMessages`, `socketFactory`.
 * - Its data: `withoutColons`, `withColons`, `encodableMessage`, `outcomeOf`, `baseOffsetOf`.
 * - Its end: `ProducerSockets`, `disconnectProducer`.
 *
 * Two more stand where they are used. `kafkajs-config.ts` replaces its OAUTHBEARER mechanism, which takes a
 * refusal for success. `kafkajs-producer.ts` closes a producer that cannot connect, since it would send
 * without its id.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { readFileSync } from 'node:fs'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { ISocketFactory, KafkaConfig, Message, Producer, RecordMetadata } from 'kafkajs'
import Broker from 'kafkajs/src/broker/index.js'
import { createLogger } from 'kafkajs/src/loggers/index.js'
import Connection from 'kafkajs/src/network/connection.js'
import ConnectionPool, { type ConnectionPoolOptions } from 'kafkajs/src/network/connectionPool.js'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import { messageOf, TickerError } from '../../../diagnostics/ticker-error.ts'
import { AccessTokenError, KafkaError, type Severity, UnsentError } from '../kafka-error.ts'
import { ByteReader } from '../protocol/byte-reader.ts'
import type { KafkaRequest } from '../protocol/kafka-request.ts'
import { brokerAddress, type OutgoingMessage } from './broker-connection.ts'
import { adviceOn } from './connection-advice.ts'
import type { KafkaTls } from './kafka-access.ts'

let isPatched = false

/**
 * Changes kafkajs in this process. An idle request queue re-arms a timer of 1 ms for ever (2.3 % CPU, and a
 * warning from Node); now it does so only while requests are pending. Bytes that are not Kafka's throw inside
 * the socket's listener, which would end the process; now they end the connection. Produce requests are
 * recorded for `sendOnce`.
 */
export function patchKafkajs(): void {
  if (isPatched) return
  isPatched = true
  const { scheduleCheckPendingRequests } = RequestQueue.prototype
  RequestQueue.prototype.scheduleCheckPendingRequests = function schedule() {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this)
  }
  const { processData } = Connection.prototype
  Connection.prototype.processData = function process(bytes) {
    try {
      processData.call(this, bytes)
    } catch (error) {
      this.socket?.destroy(error instanceof Error ? error : new KafkaError(messageOf(error)))
    }
  }
  const { produce } = Broker.prototype
  Broker.prototype.produce = async function recorded(request) {
    const attempt = attempts.getStore()
    if (attempt !== undefined) attempt.isSent = true
    try {
      return await produce.call(this, request)
    } catch (error) {
      if (attempt !== undefined) attempt.failure = error
      throw error
    }
  }
}

/** One attempt to append: whether its produce request was sent, and why that failed. */
interface Attempt {
  isSent: boolean
  failure: unknown
}

const attempts = new AsyncLocalStorage<Attempt>()

/** Answers of a broker that appended nothing, because it does not lead the partition, or not yet. */
const notAppended = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
])

/**
 * Lets kafkajs try once to append, and rejects with the failure of the produce request itself. After a lost
 * answer kafkajs looks the cluster up, and rejects with the failure of that: missing rights then look like a
 * refusal of the batch. An attempt that sent nothing, because it found no leader for example, rejects with an
 * `UnsentError`.
 */
export async function sendOnce<Result>(send: () => Promise<Result>): Promise<Result> {
  patchKafkajs()
  const attempt: Attempt = { isSent: false, failure: undefined }
  try {
    return await attempts.run(attempt, send)
  } catch (error) {
    if (!attempt.isSent || isNotAppended(attempt.failure)) {
      throw new UnsentError(messageOf(error), { cause: error })
    }
    throw attempt.failure ?? error
  }
}

function isNotAppended(failure: unknown): boolean {
  const type: unknown = failure instanceof Error ? Reflect.get(failure, 'type') : undefined
  return typeof type === 'string' && notAppended.has(type)
}

type BrokerOptions = Omit<ConnectionPoolOptions, 'logger'> &
  Pick<Required<KafkaConfig>, 'logLevel' | 'logCreator'>

/**
 * One broker, to be connected. kafkajs fetches with an older version of the protocol, which has neither topic
 * ids nor the offset where logs diverge. Its decoder cannot read large batches in slices. So requests of ours
 * go to its connections directly.
 */
export function createBroker(options: BrokerOptions): {
  readonly broker: Broker
  readonly pool: ConnectionPool
} {
  const { logLevel: level, logCreator, requestTimeout: authenticationTimeout } = options
  const logger = createLogger({ level, logCreator })
  const pool = new ConnectionPool({ ...options, logger })
  return { pool, broker: new Broker({ connectionPool: pool, logger, authenticationTimeout }) }
}

/** Closes connections at once. The `disconnect` of kafkajs waits for requests, for ever if a broker hangs. */
export function closePool({ pool }: ConnectionPool): void {
  const error = new KafkaError('the connection was closed')
  for (const connection of pool) {
    connection.rejectRequests(error)
    connection.socket?.destroy()
    connection.disconnect().catch(() => {})
  }
}

/** A request for kafkajs, which has no flexible headers (KIP-482): this adds their tagged fields. */
export function encodeRequest<Answer>(request: KafkaRequest<Answer>) {
  const { apiKey, apiVersion, apiName, body } = request
  const noTags = Buffer.alloc(1)
  const payload = Buffer.concat([noTags, body])
  const encode = async () => new Encoder(payload.length).writeBuffer(payload)
  const decode = async (bytes: Buffer) => {
    const reader = new ByteReader(bytes)
    reader.skipTags()
    return { clientSideThrottleTime: reader.int32(), answer: request.readAnswer(reader) }
  }
  const parse = ({ answer }: { readonly answer: Answer }) => answer
  return {
    request: { apiKey, apiVersion, apiName, encode },
    response: { decode, parse },
    logResponseError: false,
  }
}

/**
 * Sends each request when the one before was answered. Between two requests kafkajs may authenticate again
 * (KIP-368), and would take the answer to a request that is under way for the broker's answer to that.
 */
export class RequestSequence {
  #last: Promise<unknown> = Promise.resolve()

  run<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#last.then(send)
    this.#last = answer.catch(() => {})
    return answer
  }
}

/**
 * kafkajs wants at least one repetition, and does none with this. A repetition of its own would hide the
 * outcome of the first attempt: the caller of `send` has to know whether a refusal is the first answer.
 */
export const noRetries = Number.NaN

/**
 * The remaining lifetime at which a session is renewed (KIP-368). With the ten seconds of kafkajs, a shorter
 * session would be renewed before every request, which brokers refuse more than once in a second.
 */
export const reauthenticationThresholdMs = 1000

/** kafkajs groups the messages of a batch in quadratic time: 2,000 take 3 ms, 20,000 take 1.3 s. */
export const maxBatchMessages = 2000

const keepAliveMs = 60_000

/** Creates sockets. kafkajs would leave Nagle's algorithm on, and would read certificates only once. */
export function socketFactory(tls: KafkaTls | undefined): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const socket =
      tls === undefined
        ? connectPlain({ host, port }, onConnect)
        : connectTls({ host, port, ...tlsOptions(tls, host) }, onConnect)
    return socket.setNoDelay(true).setKeepAlive(true, keepAliveMs)
  }
}

/** An IP address is not a server name (RFC 6066 §3). Node checks the certificate for it all the same. */
function tlsOptions({ authorityFile, client, serverName }: KafkaTls, host: string): ConnectionOptions {
  const name = serverName ?? (isIP(host) === 0 ? host : undefined)
  return {
    ...(name !== undefined && { servername: name }),
    ...(authorityFile !== undefined && { ca: readFileSync(authorityFile) }),
    ...(client && { cert: readFileSync(client.certificateFile), key: readFileSync(client.keyFile) }),
  }
}

/** Marks a host whose hyphens stand for the colons of an IPv6 address. */
const ipv6Mark = '.ipv6-literal'

/** The broker's address for kafkajs, which takes the first colon for the one before the port. */
export function withoutColons(broker: string): string {
  const { host, port } = brokerAddress(broker)
  return `${host.includes(':') ? host.replaceAll(':', '-') + ipv6Mark : host}:${port}`
}

/** The host to connect to, from a host that `withoutColons` gave to kafkajs. */
export function withColons(host: string): string {
  return host.endsWith(ipv6Mark) ? host.slice(0, -ipv6Mark.length).replaceAll('-', ':') : host
}

/** A message for kafkajs, which groups headers by name and cannot encode a header without a value. */
export function encodableMessage({ key, value, headers = [] }: OutgoingMessage): Message {
  if (headers.length === 0) return { key, value }
  const grouped: Record<string, Buffer[]> = Object.create(null)
  for (const header of headers) (grouped[header.name] ??= []).push(header.value ?? Buffer.alloc(0))
  return { key, value, headers: grouped }
}

/**
 * The outcome of some work of kafkajs, with errors of ours. Rejects at the latest after `timeoutMs`: kafkajs
 * neither answers nor times out a request that it writes in the moment in which its connection ends.
 */
export async function outcomeOf<Result>(
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

/** Errors that end a connection, but not its successors: someone may correct the credentials. */
const finalForConnection = new Set<unknown>([
  'ILLEGAL_SASL_STATE',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
])

/** Fatal only if a broker says so: kafkajs calls its own exhaustion final too, and wraps the cause. */
function severityOf(thrown: unknown): Severity {
  if (!(thrown instanceof Error)) return 'retriable'
  if (thrown.name !== 'KafkaJSProtocolError') return severityOf(thrown.cause)
  const isOfConnection = 'type' in thrown && finalForConnection.has(thrown.type)
  return 'retriable' in thrown && thrown.retriable === false && !isOfConnection ? 'fatal' : 'retriable'
}

/** The offset of the first message. kafkajs silently drops messages for a partition that it does not find. */
export function baseOffsetOf([answer]: readonly RecordMetadata[], what: string): number {
  if (answer?.baseOffset === undefined) throw new KafkaError(`${what}: no such partition`)
  return Number(answer.baseOffset)
}

/** The sockets of one producer. Nothing is sent after `cut`, however often kafkajs still tries. */
export class ProducerSockets {
  readonly #open = new Set<Socket>()
  #isClosed = false

  /** Adds a socket, which is destroyed at once after `close`. */
  add(socket: Socket): Socket {
    this.#open.add(socket)
    if (this.#isClosed) socket.destroy(producerClosedError())
    return socket.once('close', () => this.#open.delete(socket))
  }

  /** Allows no further socket. */
  close(): void {
    this.#isClosed = true
  }

  /** Destroys the open sockets. */
  cut(): void {
    for (const socket of this.#open) socket.destroy(producerClosedError())
  }
}

function producerClosedError(): KafkaError {
  return new KafkaError('the producer was closed')
}

const disconnectTimeoutMs = 1000

/** Disconnects a producer, within a second: kafkajs would wait for ever for a broker that hangs. */
export async function disconnectProducer(producer: Producer, sockets: ProducerSockets): Promise<void> {
  const timer = setTimeout(() => sockets.cut(), disconnectTimeoutMs)
  await producer.disconnect().finally(() => clearTimeout(timer))
}
