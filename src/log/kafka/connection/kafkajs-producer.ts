import { Kafka, type Producer } from 'kafkajs'
import { KafkaError, asRefusal } from '../kafka-error.ts'
import {
  type BatchProducer,
  type OutgoingBatch,
  type OutgoingMessage,
  brokerAddress,
} from './broker-connection.ts'
import { type KafkajsConfig, requestTimeoutMs, settled } from './kafkajs-config.ts'
import { ProducerSockets, produceAttempt } from './kafkajs-patches.ts'

/** How long a broker waits for its replicas. */
const replicationTimeoutMs = 8000
/** One attempt, with looking for the leader before and after it. */
const sendTimeoutMs = 4 * requestTimeoutMs
const disconnectTimeoutMs = 1000
/**
 * The library wants at least one repetition, and does none with this. A repetition of its own would hide what the first
 * attempt came to: whoever calls `send` has to know whether a refusal is the first answer.
 */
const noRetries = Number.NaN

/** Connects an idempotent producer. Rejects with a `KafkaError`, which is a `RefusedError` where brokers let it not in. */
export async function connectProducer(
  brokers: readonly string[],
  config: KafkajsConfig,
): Promise<BatchProducer> {
  const sockets = new ProducerSockets()
  const kafka = new Kafka({
    ...config,
    brokers: brokers.map(withoutColons),
    // The library's own patience is short; whoever calls repeats.
    retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 500 },
    socketFactory: ({ host, ...rest }) =>
      sockets.add(config.socketFactory({ ...rest, host: withColons(host) })),
  })
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: { retries: noRetries },
    // Whoever calls `send` chooses the partition.
    createPartitioner: () => choice => choice.message.partition ?? 0,
  })
  const made = new KafkajsProducer(producer, sockets)
  try {
    await settled(producer.connect(), { what: 'cannot connect a producer', timeoutMs: sendTimeoutMs })
    return made
  } catch (error) {
    // After a rejection the library would send without a producer id.
    await made.close()
    throw asRefusal(error)
  }
}

/** What an IPv6 address is written with for the library, which takes the first colon for the one before the port. */
const literal = '.ipv6-literal'

function withoutColons(broker: string): string {
  const { host, port } = brokerAddress(broker)
  return `${host.includes(':') ? host.replaceAll(':', '-') + literal : host}:${port}`
}

function withColons(host: string): string {
  return host.endsWith(literal) ? host.slice(0, -literal.length).replaceAll('-', ':') : host
}

/** The library groups headers by name, and cannot encode one without a value. */
function kafkajsMessage({ key, value, headers = [] }: OutgoingMessage) {
  if (headers.length === 0) return { key, value }
  const grouped: Record<string, Buffer[]> = Object.create(null)
  for (const header of headers) (grouped[header.name] ??= []).push(header.value ?? Buffer.alloc(0))
  return { key, value, headers: grouped }
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
      messages: messages.map(message => ({ ...kafkajsMessage(message), partition })),
      acks: -1,
      timeout: replicationTimeoutMs,
    }
    const sending = produceAttempt(() => this.#producer.send(record)).finally(() => {
      this.#sends -= 1
    })
    try {
      const [answer] = await settled(sending, { what, timeoutMs: sendTimeoutMs })
      // The library drops messages for a partition that it does not find, without a word.
      if (answer?.baseOffset === undefined) throw new KafkaError(`${what}: no such partition`)
      return Number(answer.baseOffset)
    } catch (error) {
      throw asRefusal(error)
    }
  }

  /** Nothing that is still under way is sent any more. */
  async close(): Promise<void> {
    this.#sockets.close()
    if (this.#sends > 0) this.#sockets.cut()
    // A broker that hangs would make `disconnect` wait for ever.
    const timer = setTimeout(() => this.#sockets.cut(), disconnectTimeoutMs)
    await this.#producer.disconnect().finally(() => clearTimeout(timer))
  }
}
