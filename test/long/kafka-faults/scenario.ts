import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Topics } from '../../../src/log/topics.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { createTopics, kafkaVariables, type TopicOptions } from '../../support/topics.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { type Appended, misplaced } from './appends.ts'
import { Subscriber } from './subscriber.ts'
import { TradeProducer } from './trade-producer.ts'
import { compare, type Findings, inspect, type KafkaFindings, readTruth, type TrueRecord } from './truth.ts'

export const symbols = Array.from({ length: 24 }, (_, index) => `SYM${index}`)
const ratePerS = 200
const readyPollMs = 200

/** What a scenario in which nothing went wrong comes to. */
export const sound = {
  lost: 0,
  twice: 0,
  invented: 0,
  disordered: 0,
  missingInKafka: 0,
  twiceInKafka: 0,
  disorderedInKafka: 0,
  misplaced: 0,
  notReady: 0,
  otherMessages: 0,
} as const satisfies Outcome

export interface Outcome extends Findings, KafkaFindings {
  /** Events of `Appends` that are not as was said of them. */
  readonly misplaced: number
  /** Answers of `/readyz` that were not green. */
  readonly notReady: number
  /** Messages to the subscriber besides trades and heartbeats. */
  readonly otherMessages: number
}

export interface ScenarioOptions {
  /** Of the test's own clients. */
  readonly brokers: string
  /** The gateway's, where it has another way to them. */
  readonly gatewayBrokers?: string
  readonly create?: TopicOptions
  /** Made by the test. */
  readonly topics?: Topics
  /** Further variables of the gateway. */
  readonly env?: Readonly<Record<string, string>>
  /** Makes the gateway ready that waits for something. */
  readonly meanwhile?: () => Promise<void>
}

/** A steady producer, a running gateway, a subscriber of every trade, and an eye on `/readyz`. */
export class Scenario {
  readonly brokers: string
  readonly topics: Topics
  readonly gateway: TestGateway
  readonly subscriber: Subscriber
  readonly producer: TradeProducer
  /** What `/readyz` answered, code by code. */
  readonly readiness = new Map<number, number>()
  readonly #watching = new AbortController()
  readonly #watch: Promise<void>

  private constructor(parts: Pick<Scenario, 'brokers' | 'topics' | 'gateway' | 'subscriber' | 'producer'>) {
    this.brokers = parts.brokers
    this.topics = parts.topics
    this.gateway = parts.gateway
    this.subscriber = parts.subscriber
    this.producer = parts.producer
    this.#watch = this.#watchReadiness()
  }

  static async start(options: ScenarioOptions): Promise<Scenario> {
    const { brokers, gatewayBrokers = brokers } = options
    const topics = options.topics ?? (await createTopics(brokers, options.create))
    const env = { ...kafkaVariables(gatewayBrokers, topics), ...options.env }
    const [gateway] = await Promise.all([startTestGateway(env), options.meanwhile?.()])
    const subscriber = await Subscriber.open(gateway)
    const producer = await TradeProducer.start({
      brokers,
      topic: topics.trades,
      symbols,
      ratePerS,
      ...(options.create?.partitions !== undefined && { partitions: options.create.partitions }),
    })
    const scenario = new Scenario({ brokers, topics, gateway, subscriber, producer })
    await scenario.arrivals(2 * ratePerS)
    return scenario
  }

  /** Waits until so many more trades have come to the subscriber. */
  async arrivals(count: number): Promise<void> {
    const { numbers } = this.subscriber
    const end = numbers.length + count
    await waitUntil(() => numbers.length >= end, `${count} more trades`)
  }

  /** Ends the producer, waits until the subscriber has what Kafka holds (or no longer), and compares. */
  async check(
    appended: readonly Appended[] = [],
  ): Promise<{ readonly outcome: Outcome; readonly truth: readonly TrueRecord[] }> {
    const produced = await this.producer.stop()
    const truth = await readTruth(this.brokers, this.topics.trades)
    const { numbers, others } = this.subscriber
    const isComplete = () => compare(numbers, truth).lost === 0
    await waitUntil(isComplete, 'the last trades').catch(() => undefined)
    const own = truth.filter(({ symbol }) => symbols.includes(symbol))
    const outcome = {
      ...compare(numbers, truth),
      ...inspect(own, produced),
      misplaced: misplaced(appended, truth),
      notReady: [...this.readiness].reduce((sum, [code, count]) => sum + (code === 200 ? 0 : count), 0),
      otherMessages: others.length,
    }
    return { outcome, truth }
  }

  /** One line of figures. */
  report(name: string, outcome: Outcome, figures: Readonly<Record<string, number | string>>): void {
    const { lost, twice, disordered } = outcome
    const { numbers, longestGapMs } = this.subscriber
    report(name, {
      events: numbers.length,
      lost,
      twice,
      disordered,
      'longest gap ms': longestGapMs,
      ...figures,
    })
  }

  async stop(): Promise<void> {
    this.#watching.abort()
    await this.#watch
    await this.subscriber.close()
    await this.gateway.stop()
    await this.producer.stop()
  }

  async #watchReadiness(): Promise<void> {
    const { signal } = this.#watching
    while (!signal.aborted) {
      const { status } = await fetch(`${this.gateway.operationsUrl}/readyz`)
      this.readiness.set(status, (this.readiness.get(status) ?? 0) + 1)
      await pause(readyPollMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** Prints one line; `TICKER_LONG_REPORT=file` also keeps it. */
export function report(name: string, figures: Readonly<Record<string, number | string>>): void {
  const text = Object.entries(figures).map(([what, value]) => `${what} ${value}`)
  const line = `${name}: ${text.join(', ')}\n`
  process.stdout.write(line)
  const file = process.env['TICKER_LONG_REPORT']
  if (file !== undefined) appendFileSync(file, line)
}
