import { setTimeout as pause } from 'node:timers/promises'
import { Kafka, logLevel, type Message, type Producer } from 'kafkajs'
import { sampleTrade } from '../../log/conformance/sample-event.ts'

const tickMs = 50
const mostPerSend = 500
/** After a send that found no such partition. */
const retryMs = 100

/** A client that never gives up. */
export function patientKafka(brokers: string): Kafka {
  return new Kafka({
    clientId: 'truth',
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2000,
    requestTimeout: 10_000,
    retry: { retries: 1_000_000, initialRetryTime: 100, maxRetryTime: 500 },
  })
}

export interface TradeProducerOptions {
  readonly brokers: string
  readonly topic: string
  readonly symbols: readonly string[]
  readonly ratePerS: number
  /** 4 if left out. */
  readonly partitions?: number
}

/**
 * Publishes numbered trades at a steady rate; what an outage holds up follows when it is over. One `send` per
 * partition: kafkajs 2.2.4 neither keeps all of a send to several brokers, nor writes it once, when one of
 * them fails (it takes a leader that has answered for its own partitions to have answered for those that
 * moved to it).
 */
export class TradeProducer {
  /** Each symbol has one of these; to be raised once there are more. */
  partitions = 4
  readonly #options: TradeProducerOptions
  readonly #producer: Producer
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #acknowledged = 0

  private constructor(options: TradeProducerOptions, producer: Producer) {
    this.#options = options
    this.partitions = options.partitions ?? this.partitions
    this.#producer = producer
  }

  static async start(options: TradeProducerOptions): Promise<TradeProducer> {
    const producer = patientKafka(options.brokers).producer({
      createPartitioner: () => choice => choice.message.partition ?? 0,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      // Finds added partitions.
      metadataMaxAge: 2000,
    })
    await producer.connect()
    const trades = new TradeProducer(options, producer)
    trades.#running = trades.#run()
    return trades
  }

  /** How many trades Kafka has acknowledged: those with the numbers below. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Publishes what is due, and ends; resolves with the number of trades. */
  async stop(): Promise<number> {
    this.#stopping.abort()
    await this.#running
    await this.#producer.disconnect()
    return this.#acknowledged
  }

  /** Resolves when `count` more trades were acknowledged. */
  async publish(count: number): Promise<void> {
    const end = this.#acknowledged + count
    while (this.#acknowledged < end) await pause(tickMs)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { ratePerS } = this.#options
    const startedAt = performance.now()
    const dueNow = () => Math.floor(((performance.now() - startedAt) / 1000) * ratePerS)
    let dueAtStop = Number.POSITIVE_INFINITY
    signal.addEventListener('abort', () => (dueAtStop = dueNow()), { once: true })
    while (this.#acknowledged < dueAtStop) {
      const due = Math.min(dueNow(), dueAtStop)
      await this.#send(Math.min(due, this.#acknowledged + mostPerSend))
      await pause(tickMs)
    }
  }

  async #send(end: number): Promise<void> {
    const { symbols } = this.#options
    const batches = new Map<number, Message[]>()
    for (let number = this.#acknowledged; number < end; number++) {
      const index = number % symbols.length
      const symbol = symbols[index]!
      const partition = index % this.partitions
      const message = { key: symbol, partition, value: JSON.stringify(sampleTrade(symbol, number)) }
      batches.set(partition, [...(batches.get(partition) ?? []), message])
    }
    await Promise.all([...batches.values()].map(messages => this.#sendBatch(messages)))
    this.#acknowledged = end
  }

  /** All to one partition. */
  async #sendBatch(messages: Message[]): Promise<void> {
    const { topic } = this.#options
    for (;;) {
      const [answer] = await this.#producer.send({ topic, messages, acks: -1 })
      // The library drops what is for a partition that it does not know yet.
      if (answer?.baseOffset !== undefined) return
      await pause(retryMs)
    }
  }
}
