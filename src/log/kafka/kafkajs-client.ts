import { isIP, connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { type ISocketFactory, Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs'
import Broker from 'kafkajs/src/broker/index.js'
import { createLogger } from 'kafkajs/src/loggers/index.js'
import Connection from 'kafkajs/src/network/connection.js'
import ConnectionPool from 'kafkajs/src/network/connectionPool.js'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import type { WarnLog } from '../../rate-limited-log.ts'
import { messageOf, TickerError } from '../../ticker-error.ts'
import type { BatchProducer, BrokerConnection, KafkaClient, OutgoingBatch } from './broker-connection.ts'
import { ByteReader } from './byte-reader.ts'
import { KafkaError, type Severity } from './kafka-error.ts'
import { checkVersions, type KafkaRequest } from './kafka-request.ts'
import type { BrokerAddress } from './metadata.ts'

/** How to reach the cluster. */
export interface KafkaAccess {
  /** `host:port` of at least one broker, from which the others are learnt. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: ConnectionOptions
  readonly sasl?: SASLOptions
}

/** A connection that takes longer has failed, and so has a request; a long poll waits half a second. */
const connectionTimeoutMs = 3000
const requestTimeoutMs = 10_000
const produceTimeoutMs = 8000

/** The client library, kafkajs 2.2.4, with everything that is done to its inner parts. */
export class KafkajsClient implements KafkaClient {
  readonly #config
  readonly #brokers: string[]
  readonly #log: WarnLog

  constructor({ brokers, clientId, ssl, sasl }: KafkaAccess, log: WarnLog) {
    repairKafkajs()
    this.#log = log
    this.#brokers = [...brokers]
    this.#config = {
      clientId,
      ...(ssl && { ssl }),
      ...(sasl && { sasl }),
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
    } satisfies Partial<KafkaConfig>
  }

  async connect(address: BrokerAddress): Promise<BrokerConnection> {
    const logger = createLogger({
      level: logLevel.WARN,
      logCreator: () => entry => this.#warn(entry.log.message),
    })
    const options = {
      ...this.#config,
      ...address,
      logger,
      socketFactory: openSocket,
      enforceRequestTimeout: true,
    }
    const connectionPool = new ConnectionPool(options)
    const connection = new KafkajsConnection(address, connectionPool)
    try {
      const broker = new Broker({ connectionPool, logger, authenticationTimeout: requestTimeoutMs })
      await broker.connect()
      checkVersions(broker.versions ?? {})
      return connection
    } catch (error) {
      connection.close()
      throw kafkaError(`${nameOf(address)}: cannot connect`, error)
    }
  }

  async createProducer(): Promise<BatchProducer> {
    const sockets = new Set<Socket>()
    const kafka = new Kafka({
      ...this.#config,
      brokers: this.#brokers,
      // The library's own patience is short; whoever calls `send` repeats it.
      retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 500 },
      socketFactory: tracking(sockets),
      logLevel: logLevel.WARN,
      logCreator: () => entry => this.#warn(entry.log.message),
    })
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    })
    const made = new KafkajsProducer(producer, sockets)
    try {
      await producer.connect()
      return made
    } catch (error) {
      // After this rejection the library would send without a producer id.
      await made.close()
      throw kafkaError('cannot connect a producer', error)
    }
  }

  #warn(message: string): void {
    // Retries are limited on purpose: a batch is repeated as it is, by the same producer.
    if (!message.startsWith('Limiting retries')) this.#log.warn({ client: 'kafkajs' }, message)
  }
}

class KafkajsConnection implements BrokerConnection {
  readonly address: BrokerAddress
  readonly #pool: ConnectionPool
  readonly #last = new Map<boolean, Promise<unknown>>()
  #isClosed = false

  constructor(address: BrokerAddress, pool: ConnectionPool) {
    this.address = address
    this.#pool = pool
  }

  /** One after the other: an authentication that is renewed between two requests would take another's answer for its own. */
  send<Answer>(request: KafkaRequest<Answer>): Promise<Answer> {
    const isFetch = request.apiName === 'Fetch'
    const before = this.#last.get(isFetch) ?? Promise.resolve()
    const answer = before.then(() => this.#send(request))
    this.#last.set(
      isFetch,
      answer.catch(() => {}),
    )
    return answer
  }

  close(): void {
    this.#isClosed = true
    const error = new KafkaError(`${nameOf(this.address)}: the connection was closed`)
    for (const connection of this.#pool.pool) {
      connection.rejectRequests(error)
      connection.socket?.destroy()
      void connection.disconnect()
    }
  }

  async #send<Answer>(from: KafkaRequest<Answer>): Promise<Answer> {
    if (this.#isClosed) throw new KafkaError(`${nameOf(this.address)}: the connection was closed`)
    const { apiKey, apiVersion, apiName } = from
    const noTags = Buffer.alloc(1)
    const payload = Buffer.concat([noTags, from.body])
    const encode = async () => new Encoder(payload.length).writeBuffer(payload)
    const decode = async (bytes: Buffer) => {
      const reader = new ByteReader(bytes)
      reader.skipTags()
      return { answer: from.readAnswer(reader) }
    }
    const request = { apiKey, apiVersion, apiName, encode }
    const response = { decode, parse: ({ answer }: { answer: Answer }) => answer }
    try {
      return await this.#pool.send({ request, response, logResponseError: false })
    } catch (error) {
      throw kafkaError(`${nameOf(this.address)}: ${apiName} failed`, error)
    }
  }
}

class KafkajsProducer implements BatchProducer {
  readonly #producer: ReturnType<Kafka['producer']>
  readonly #sockets: ReadonlySet<Socket>

  constructor(producer: ReturnType<Kafka['producer']>, sockets: ReadonlySet<Socket>) {
    this.#producer = producer
    this.#sockets = sockets
  }

  async send({ topic, partition, messages }: OutgoingBatch): Promise<number> {
    const what = `${topic}/${partition}: cannot append`
    try {
      const [answer] = await this.#producer.send({
        topic,
        messages: messages.map(({ key, value }) => ({ key, value, partition })),
        acks: -1,
        timeout: produceTimeoutMs,
      })
      // The library drops messages for a partition that it does not find, without a word.
      if (answer?.baseOffset === undefined) throw new KafkaError(`${what}: no such partition`)
      return Number(answer.baseOffset)
    } catch (error) {
      throw error instanceof KafkaError ? error : kafkaError(what, error)
    }
  }

  /** Waits for no answer: `disconnect` alone would hang on a broker that hangs. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy(new Error('the producer was closed'))
    await this.#producer.disconnect()
  }
}

function kafkaError(what: string, thrown: unknown): TickerError {
  if (thrown instanceof TickerError) return thrown
  return new KafkaError(`${what}: ${messageOf(thrown)}`, { cause: thrown, severity: severityOf(thrown) })
}

/** Only what a broker calls final is; the library also calls its own exhaustion final, and wraps the reason. */
function severityOf(thrown: unknown): Severity {
  if (!(thrown instanceof Error)) return 'retriable'
  if (thrown.name !== 'KafkaJSProtocolError') return severityOf(thrown.cause)
  return 'retriable' in thrown && thrown.retriable === false ? 'fatal' : 'retriable'
}

function nameOf({ host, port }: BrokerAddress): string {
  return `${host}:${port}`
}

const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const name = isIP(host) === 0 ? { servername: host } : {}
  const socket = ssl
    ? connectTls({ host, port, ...name, ...ssl }, onConnect)
    : connectPlain({ host, port }, onConnect)
  return socket.setNoDelay(true).setKeepAlive(true, 60_000)
}

function tracking(sockets: Set<Socket>): ISocketFactory {
  return options => {
    const socket = openSocket(options)
    sockets.add(socket)
    return socket.once('close', () => sockets.delete(socket))
  }
}

let isRepaired = false

/**
 * Two faults of kafkajs 2.2.4. An idle request queue re-arms a timer of 1 ms for ever (2.3 % CPU, and a
 * warning from Node): it has something to wait for only while requests are pending. And bytes that are not
 * Kafka's throw inside the socket's listener, which would end the process: they end the connection.
 */
function repairKafkajs(): void {
  if (isRepaired) return
  isRepaired = true
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
}
