import type {
  BatchProducer,
  KafkaClient,
  OutgoingBatch,
} from '../../../../src/log/kafka/connection/broker-connection.ts'
import { KafkaLog } from '../../../../src/log/kafka/kafka-log.ts'
import { KafkajsClient } from '../../../../src/log/kafka/connection/kafkajs-client.ts'
import { FakeCluster } from '../fake-cluster.ts'

const topics = { trades: 'trades', quotes: 'quotes', bars: 'bars', statuses: 'statuses', news: 'news' }
const logger = { warn: () => {} }

/** A log on a cluster in memory, with producers whose outcomes the test decides. */
export class AppendFixture {
  readonly cluster: FakeCluster
  /** Every batch that was sent, by whichever producer. */
  readonly sent: OutgoingBatch[] = []
  readonly producers: BatchProducer[] = []
  /** What producers did, by their numbers. */
  readonly history: string[] = []
  /** What becomes of the next sends; then all succeed. */
  readonly outcomes: ((batch: OutgoingBatch) => Promise<void> | void)[] = []
  readonly #makings: Promise<void>[] = []
  #log: KafkaLog | undefined
  #next = 0

  private constructor(cluster: FakeCluster) {
    this.cluster = cluster
  }

  static async start(): Promise<AppendFixture> {
    const cluster = await FakeCluster.start(1)
    cluster.create('trades', [0])
    return new AppendFixture(cluster)
  }

  get log(): KafkaLog {
    return this.#log!
  }

  /** Opens the log and has it know its topics. */
  async open(appendTimeoutMs: number): Promise<void> {
    const access = { brokers: this.cluster.brokers, clientId: 'test' }
    const kafkajs = new KafkajsClient(access)
    const client: KafkaClient = {
      connect: address => kafkajs.connect(address),
      createProducer: () => this.#createProducer(),
    }
    this.#log = new KafkaLog({ ...access, topics, logger, appendTimeoutMs }, client)
    await this.#log.partitions(new AbortController().signal)
  }

  async stop(): Promise<void> {
    await this.#log?.close()
    await this.cluster.stop()
  }

  /** Offsets begin at 0 once more, as in a topic that was recreated. */
  startAgain(): void {
    this.#next = 0
  }

  /** The next send ends as the test says. */
  hold(): PromiseWithResolvers<void> {
    const held = Promise.withResolvers<void>()
    this.outcomes.push(() => held.promise)
    return held
  }

  /** The next producer is made when the test says. */
  holdProducer(): PromiseWithResolvers<void> {
    const held = Promise.withResolvers<void>()
    this.#makings.push(held.promise)
    return held
  }

  async #createProducer(): Promise<BatchProducer> {
    const number = this.producers.length
    this.history.push(`made ${number}`)
    await this.#makings.shift()
    const producer: BatchProducer = {
      send: async batch => {
        this.history.push(`sent by ${number}`)
        this.sent.push(batch)
        await this.outcomes.shift()?.(batch)
        const first = this.#next
        this.#next += batch.messages.length
        return first
      },
      close: async () => void this.history.push(`closed ${number}`),
    }
    this.producers.push(producer)
    return producer
  }
}
