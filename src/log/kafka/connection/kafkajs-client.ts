import Broker from 'kafkajs/src/broker/index.js'
import { createLogger } from 'kafkajs/src/loggers/index.js'
import ConnectionPool from 'kafkajs/src/network/connectionPool.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import type { BatchProducer, BrokerConnection, KafkaClient } from './broker-connection.ts'
import { ByteReader } from '../protocol/byte-reader.ts'
import { KafkaError } from '../kafka-error.ts'
import { checkVersions, type KafkaRequest } from '../protocol/kafka-request.ts'
import {
  type KafkaAccess,
  type KafkajsConfig,
  kafkajsConfig,
  requestTimeoutMs,
  settled,
} from './kafkajs-config.ts'
import { connectProducer } from './kafkajs-producer.ts'
import { patchKafkajs } from './kafkajs-patches.ts'
import type { BrokerAddress } from '../protocol/metadata-request.ts'
import { unlessAborted } from '../retry.ts'

/** The client library, kafkajs 2.2.4: what is done to its inner parts is done in this file, `kafkajs-repairs.ts` and `produce-attempt.ts`. */
export class KafkajsClient implements KafkaClient {
  readonly #brokers: readonly string[]
  readonly #config: KafkajsConfig

  constructor(access: KafkaAccess) {
    patchKafkajs()
    this.#brokers = access.brokers
    this.#config = kafkajsConfig(access)
  }

  async connect(address: BrokerAddress): Promise<BrokerConnection> {
    const { logLevel, logCreator } = this.#config
    const logger = createLogger({ level: logLevel, logCreator })
    const connectionPool = new ConnectionPool({ ...this.#config, ...address, logger })
    const connection = new KafkajsConnection(address, connectionPool)
    try {
      const broker = new Broker({ connectionPool, logger, authenticationTimeout: requestTimeoutMs })
      const what = `${address.host}:${address.port}: cannot connect`
      await settled(broker.connect(), { what, timeoutMs: 2 * requestTimeoutMs })
      checkVersions(broker.versions ?? {})
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  createProducer(): Promise<BatchProducer> {
    return connectProducer(this.#brokers, this.#config)
  }
}

class KafkajsConnection implements BrokerConnection {
  readonly address: BrokerAddress
  readonly #pool: ConnectionPool
  readonly #closing = new AbortController()
  #lastFetch: Promise<unknown> = Promise.resolve()
  #lastOther: Promise<unknown> = Promise.resolve()

  constructor(address: BrokerAddress, pool: ConnectionPool) {
    this.address = address
    this.#pool = pool
  }

  /** One after the other: an authentication that is renewed between two requests would take another's answer for its own. */
  async send<Answer>(request: KafkaRequest<Answer>): Promise<Answer> {
    const isFetch = request.apiName === 'Fetch'
    const answer = (isFetch ? this.#lastFetch : this.#lastOther).then(() => this.#send(request))
    const done = answer.catch(() => {})
    if (isFetch) this.#lastFetch = done
    else this.#lastOther = done
    return answer
  }

  close(): void {
    this.#closing.abort()
    const error = new KafkaError('the connection was closed')
    for (const connection of this.#pool.pool) {
      connection.rejectRequests(error)
      connection.socket?.destroy()
      connection.disconnect().catch(() => {})
    }
  }

  async #send<Answer>(from: KafkaRequest<Answer>): Promise<Answer> {
    const { signal } = this.#closing
    const what = `${this.address.host}:${this.address.port}: ${from.apiName} failed`
    if (signal.aborted) throw new KafkaError(`${what}: the connection was closed`)
    const sending = this.#pool.send({ ...protocolOf(from), logResponseError: false })
    const outcome = settled(sending, { what, timeoutMs: 2 * requestTimeoutMs })
    try {
      return await unlessAborted(outcome, signal)
    } catch (error) {
      throw signal.aborted ? new KafkaError(`${what}: the connection was closed`, { cause: error }) : error
    }
  }
}

/** A request of ours in the form of kafkajs, which knows no flexible headers: their tagged fields are ours to write. */
function protocolOf<Answer>(from: KafkaRequest<Answer>) {
  const { apiKey, apiVersion, apiName, body } = from
  const noTags = Buffer.alloc(1)
  const payload = Buffer.concat([noTags, body])
  const encode = async () => new Encoder(payload.length).writeBuffer(payload)
  const decode = async (bytes: Buffer) => {
    const reader = new ByteReader(bytes)
    reader.skipTags()
    return { clientSideThrottleTime: reader.int32(), answer: from.readAnswer(reader) }
  }
  const parse = ({ answer }: { readonly answer: Answer }) => answer
  return { request: { apiKey, apiVersion, apiName, encode }, response: { decode, parse } }
}
