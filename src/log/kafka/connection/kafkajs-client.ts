import type { Clock } from '../../../system/clock.ts'
import { KafkaError } from '../kafka-error.ts'
import { checkVersions, type KafkaRequest } from '../protocol/kafka-request.ts'
import type { BrokerAddress } from '../protocol/metadata-request.ts'
import { unlessAborted } from '../retry.ts'
import type { BatchProducer, BrokerConnection, KafkaClient } from './broker-connection.ts'
import type { KafkaAccess } from './kafka-access.ts'
import { type KafkajsConfig, kafkajsConfig, requestTimeoutMs } from './kafkajs-config.ts'
import {
  closePool,
  createBroker,
  encodeRequest,
  outcomeOf,
  patchKafkajs,
  RequestSequence,
} from './kafkajs-patches.ts'
import { connectProducer } from './kafkajs-producer.ts'

/** Time for one request, with a new connection and its authentication. */
const timeoutMs = 2 * requestTimeoutMs

/** The way to Kafka through kafkajs. */
export class KafkajsClient implements KafkaClient {
  readonly #brokers: readonly string[]
  readonly #config: KafkajsConfig

  constructor(access: KafkaAccess, clock?: Clock) {
    patchKafkajs()
    this.#brokers = access.brokers
    this.#config = kafkajsConfig(access, clock)
  }

  async connect(address: BrokerAddress): Promise<BrokerConnection> {
    const { broker, pool } = createBroker({ ...this.#config, ...address })
    const connection = new KafkajsConnection(address, pool)
    try {
      await outcomeOf(broker.connect(), {
        what: `${address.host}:${address.port}: cannot connect`,
        timeoutMs,
      })
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

type ConnectionPool = ReturnType<typeof createBroker>['pool']

class KafkajsConnection implements BrokerConnection {
  readonly address: BrokerAddress
  readonly #pool: ConnectionPool
  readonly #closing = new AbortController()
  readonly #fetches = new RequestSequence()
  readonly #others = new RequestSequence()

  constructor(address: BrokerAddress, pool: ConnectionPool) {
    this.address = address
    this.#pool = pool
  }

  send<Answer>(request: KafkaRequest<Answer>): Promise<Answer> {
    const requests = request.apiName === 'Fetch' ? this.#fetches : this.#others
    return requests.run(() => this.#send(request))
  }

  close(): void {
    this.#closing.abort()
    closePool(this.#pool)
  }

  async #send<Answer>(request: KafkaRequest<Answer>): Promise<Answer> {
    const { signal } = this.#closing
    const what = `${this.address.host}:${this.address.port}: ${request.apiName} failed`
    if (signal.aborted) throw new KafkaError(`${what}: the connection was closed`)
    const outcome = outcomeOf(this.#pool.send(encodeRequest(request)), { what, timeoutMs })
    try {
      return await unlessAborted(outcome, signal)
    } catch (error) {
      throw signal.aborted ? new KafkaError(`${what}: the connection was closed`, { cause: error }) : error
    }
  }
}
