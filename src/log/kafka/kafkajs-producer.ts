import type { Socket } from 'node:net'
import { Kafka, type Producer } from 'kafkajs'
import type { BatchProducer, OutgoingBatch } from './broker-connection.ts'
import { KafkaError } from './kafka-error.ts'
import { type KafkajsConfig, requestTimeoutMs, settled } from './kafkajs-access.ts'

/** How long a broker waits for its replicas. */
const replicationTimeoutMs = 8000
/** Two attempts, each after looking for the leader. */
const sendTimeoutMs = 4 * requestTimeoutMs
const disconnectTimeoutMs = 1000

/** Connects an idempotent producer. Rejects with a `KafkaError`. */
export async function connectProducer(
  brokers: readonly string[],
  config: KafkajsConfig,
): Promise<BatchProducer> {
  const sockets = new Set<Socket>()
  const kafka = new Kafka({
    ...config,
    brokers: [...brokers],
    // The library's own patience is short; whoever calls `send` repeats it.
    retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 500 },
    socketFactory: options => {
      const socket = config.socketFactory(options)
      sockets.add(socket)
      return socket.once('close', () => sockets.delete(socket))
    },
  })
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
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
    throw error
  }
}

class KafkajsProducer implements BatchProducer {
  readonly #producer: Producer
  readonly #sockets: ReadonlySet<Socket>

  constructor(producer: Producer, sockets: ReadonlySet<Socket>) {
    this.#producer = producer
    this.#sockets = sockets
  }

  async send({ topic, partition, messages }: OutgoingBatch): Promise<number> {
    const what = `${topic}/${partition}: cannot append`
    const sending = this.#producer.send({
      topic,
      messages: messages.map(({ key, value }) => ({ key, value, partition })),
      acks: -1,
      timeout: replicationTimeoutMs,
    })
    const [answer] = await settled(sending, { what, timeoutMs: sendTimeoutMs })
    // The library drops messages for a partition that it does not find, without a word.
    if (answer?.baseOffset === undefined) throw new KafkaError(`${what}: no such partition`)
    return Number(answer.baseOffset)
  }

  async close(): Promise<void> {
    // A broker that hangs would make `disconnect` wait for ever.
    const cut = () => {
      for (const socket of this.#sockets) socket.destroy(new KafkaError('the producer was closed'))
    }
    const timer = setTimeout(cut, disconnectTimeoutMs)
    await this.#producer.disconnect().finally(() => clearTimeout(timer))
  }
}
