import { setTimeout as pause } from 'node:timers/promises'
import type { Message, Producer } from 'kafkajs'
import { recordKeyOf, topicOf, type Topics } from '../../../src/log/topics.ts'
import { generateTape } from '../../support/tape.ts'
import { garbage } from '../kafka-faults/odd-records.ts'
import { patientKafka } from '../kafka-faults/trade-producer.ts'
import { withNumber } from './numbered-event.ts'

const tickMs = 50
const mostPerTick = 200
/** The tape begins again when it is through; the numbers go on. */
const tape = generateTape({ seed: 7, symbols: 60, events: 20_000 })
const garbageEvery = 500

export interface MarketProducerOptions {
  readonly brokers: string
  readonly topics: Topics
  readonly ratePerS: number
}

/** Publishes numbered events of all ten types at a steady rate, and now and then records that are none. */
export class MarketProducer {
  readonly #options: MarketProducerOptions
  readonly #producer: Producer
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #acknowledged = 0
  #poison = 0

  private constructor(options: MarketProducerOptions, producer: Producer) {
    this.#options = options
    this.#producer = producer
    this.#running = this.#run()
  }

  static async start(options: MarketProducerOptions): Promise<MarketProducer> {
    const producer = patientKafka(options.brokers).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    })
    await producer.connect()
    return new MarketProducer(options, producer)
  }

  /** Events that Kafka has acknowledged: those with the numbers below. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Records that are no events. */
  get poison(): number {
    return this.#poison
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#producer.disconnect()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const startedAt = performance.now()
    while (!signal.aborted) {
      const due = Math.floor(((performance.now() - startedAt) / 1000) * this.#options.ratePerS)
      await this.#send(Math.min(due, this.#acknowledged + mostPerTick))
      await pause(tickMs)
    }
  }

  async #send(end: number): Promise<void> {
    const messages = new Map<string, Message[]>()
    const add = (topic: string, message: Message) =>
      messages.set(topic, [...(messages.get(topic) ?? []), message])
    for (let number = this.#acknowledged; number < end; number++) {
      const event = withNumber(tape[number % tape.length]!, number)
      const topic = topicOf(event, this.#options.topics)
      add(topic, { key: recordKeyOf(event), value: JSON.stringify(event) })
      if (number % garbageEvery === 0) add(topic, this.#garbage(number))
    }
    const topicMessages = [...messages].map(([topic, some]) => ({ topic, messages: some }))
    // One broker leads all partitions, so that one request has them all.
    if (topicMessages.length > 0) await this.#producer.sendBatch({ topicMessages, acks: -1 })
    this.#acknowledged = end
  }

  #garbage(number: number): Message {
    const kinds = garbage()
    const chosen = kinds[(number / garbageEvery) % kinds.length]!
    // A record without a value is passed over as nothing.
    if (chosen.value !== null) this.#poison += 1
    return chosen
  }
}
