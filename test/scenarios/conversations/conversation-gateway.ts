import { inject } from 'vitest'
import { readConfig } from '../../../src/config/config-reader.ts'
import type { MarketEvent } from '../../../src/event/event.ts'
import { type OpenLog, openLog } from '../../../src/app/open-log.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import {
  createTopics,
  deleteTopics,
  ensureTopics,
  kafkaVariables,
  removeTopics,
} from '../../support/topics.ts'

/**
 * The nodes that conversations name: one for all, or one for each. What takes seconds by default takes less
 * on the latter.
 */
const nodes = {
  shared: {},
  'of its own': { TICKER_MAX_UNACKED_MS: '100', TICKER_DRAIN_MS: '200' },
  'with a short memory': { TICKER_MAX_UNACKED_MS: '100', TICKER_TAPE_MS: '1000' },
  'on Kafka': { TICKER_MAX_UNACKED_MS: '100' },
} as const

export type NodeName = keyof typeof nodes

export function isNodeName(text: string): text is NodeName {
  return Object.hasOwn(nodes, text)
}

/** A node that the conversations of PROTOCOL.md are held with, and what happens to it and its log in them. */
export class ConversationGateway {
  readonly gateway: TestGateway
  readonly #log: OpenLog
  readonly #topicPrefix: string
  readonly #end: () => Promise<void>

  private constructor(gateway: TestGateway, topicPrefix: string, end: () => Promise<void>) {
    this.gateway = gateway
    this.#topicPrefix = topicPrefix
    this.#end = end
    this.#log = openLog(readConfig(gateway.env), { warn: () => undefined })
  }

  /** Starts a node on an embedded log, or on topics of one partition in a real Kafka. */
  static async start(node: NodeName): Promise<ConversationGateway> {
    const env = { TICKER_HEARTBEAT_MS: '1000', ...nodes[node] }
    if (node !== 'on Kafka') {
      return new ConversationGateway(await startTestGateway(env), 'market.', () => Promise.resolve())
    }
    const brokers = inject('kafkaBrokers')
    const topics = await createTopics(brokers, { partitions: 1 })
    const gateway = await startTestGateway({ ...env, ...kafkaVariables(brokers, topics) })
    return new ConversationGateway(gateway, topics.trades.replace('trades', ''), () =>
      deleteTopics(brokers, topics),
    )
  }

  /** The text with the names that this log has for its topics. */
  named(text: string): string {
    return text.replaceAll('market.', this.#topicPrefix)
  }

  async append(event: MarketEvent): Promise<void> {
    const [result] = await this.#log.events.append([event])
    if (result === undefined || 'error' in result) throw new Error('not appended', { cause: result })
  }

  /** Lets happen what a conversation says. */
  async act(what: string): Promise<void> {
    const topic = this.named('market.trades')
    const brokers = inject('kafkaBrokers')
    if (what === 'the node is stopped') {
      void this.gateway.leave()
    } else if (what === 'the topic of trades is deleted and recreated') {
      await removeTopics(brokers, [topic])
      await ensureTopics(brokers, [topic], { partitions: 1 })
    } else {
      throw new Error(`${what}: nobody knows how`)
    }
  }

  async stop(): Promise<void> {
    await this.#log.events.close()
    await this.gateway.stop()
    await this.#end()
  }
}
