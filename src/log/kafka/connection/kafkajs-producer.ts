import { Kafka, type Producer } from 'kafkajs'
import { asRefusal } from '../kafka-error.ts'
import type { BatchProducer, OutgoingBatch } from './broker-connection.ts'
import { type KafkajsConfig, requestTimeoutMs } from './kafkajs-config.ts'
import {
  baseOffsetOf,
  disconnectProducer,
  encodableMessage,
  noRetries,
  outcomeOf,
  ProducerSockets,
  sendOnce,
  withColons,
  withoutColons,
} from './kafkajs-patches.ts'

/** How long a broker waits for its replicas. */
const replicationTimeoutMs = 8000
/** Time for one attempt, with a look-up of the leader before and after it. */
const sendTimeoutMs = 4 * requestTimeoutMs

/** Connects an idempotent producer. Rejects with a `KafkaError`: a `RefusedError` if brokers deny access. */
export async function connectProducer(
  brokers: readonly string[],
  config: KafkajsConfig,
): Promise<BatchProducer> {
  const sockets = new ProducerSockets()
  const kafka = new Kafka({
    ...config,
    brokers: brokers.map(withoutColons),
    // The library gives up early. The caller tries again.
    retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 500 },
    socketFactory: ({ host, ...rest }) =>
      sockets.add(config.socketFactory({ ...rest, host: withColons(host) })),
  })
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: { retries: noRetries },
    // The caller of `send` chooses the partition.
    createPartitioner: () => choice => choice.message.partition ?? 0,
  })
  const connected = new KafkajsProducer(producer, sockets)
  try {
    await outcomeOf(producer.connect(), { what: 'cannot connect a producer', timeoutMs: sendTimeoutMs })
    return connected
  } catch (error) {
    // After a failure kafkajs would send without a producer id.
    await connected.close()
    throw asRefusal(error)
  }
}

class KafkajsProducer implements BatchProducer {
  readonly #producer: Producer
  readonly #sockets: ProducerSockets
  #sends = 0

  constructor(producer: Producer, sockets: ProducerSockets) {
    this.#producer = producer
    this.#sockets = sockets
  }

  async send({ topic, partition, messages }: OutgoingBatch): Promise<number> {
    const what = `${topic}/${partition}: cannot append`
    this.#sends += 1
    const record = {
      topic,
      messages: messages.map(message => ({ ...encodableMessage(message), partition })),
      acks: -1,
      timeout: replicationTimeoutMs,
    }
    const sending = sendOnce(() => this.#producer.send(record)).finally(() => {
      this.#sends -= 1
    })
    try {
      return baseOffsetOf(await outcomeOf(sending, { what, timeoutMs: sendTimeoutMs }), what)
    } catch (error) {
      throw asRefusal(error)
    }
  }

  /** Sends nothing more of what is still under way. */
  async close(): Promise<void> {
    this.#sockets.close()
    if (this.#sends > 0) this.#sockets.cut()
    await disconnectProducer(this.#producer, this.#sockets)
  }
}
