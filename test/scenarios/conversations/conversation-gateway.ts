import { inject } from 'vitest'
import { type OpenLog, openLog } from '../../../src/app/open-log.ts'
import { readConfig } from '../../../src/config/config-reader.ts'
import type { MarketEvent } from '../../../src/event/event.ts'
import { type ProxiedCluster, startProxiedCluster } from '../../long/kafka-faults/gateway-listener.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
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
  'on Kafka behind a network': {},
  'behind a network': {},
  'with the feed delayed': { TICKER_FEEDS: 'live,delayed:1000' },
} as const

export type NodeName = keyof typeof nodes

export function isNodeName(text: string): text is NodeName {
  return Object.hasOwn(nodes, text)
}

/** What lies around a node, and is ended after it. */
interface Surroundings {
  /** The network between the node and its clients, or between the node and Kafka. */
  readonly network?: TcpProxy | undefined
  readonly brokers?: string
  readonly topicPrefix?: string
  readonly end: () => Promise<void>
}

/** A node that the conversations of PROTOCOL.md are held with, and what happens to it and its log in them. */
export class ConversationGateway {
  /** A Kafka behind a network, started for the first node that needs it. */
  static #cluster: Promise<ProxiedCluster> | undefined
  readonly gateway: TestGateway
  /** The feed that clients ask for. */
  readonly feed: 'live' | 'delayed'
  /** The address for clients, `http://host:port`. */
  readonly url: string
  readonly #log: OpenLog
  readonly #surroundings: Surroundings

  private constructor(node: NodeName, gateway: TestGateway, surroundings: Surroundings & { url?: string }) {
    this.gateway = gateway
    this.feed = node === 'with the feed delayed' ? 'delayed' : 'live'
    this.url = surroundings.url ?? gateway.url
    this.#surroundings = surroundings
    this.#log = openLog(readConfig(gateway.env), { warn: () => undefined })
  }

  /** Starts a node on an embedded log, or on topics of one partition in a real Kafka. */
  static async start(node: NodeName): Promise<ConversationGateway> {
    const env = { TICKER_HEARTBEAT_MS: '1000', ...nodes[node] }
    if (node === 'on Kafka') return await ConversationGateway.#startOnKafka(node, env, inject('kafkaBrokers'))
    if (node === 'on Kafka behind a network') {
      const cluster = await (ConversationGateway.#cluster ??= startProxiedCluster(1))
      return await ConversationGateway.#startOnKafka(node, env, cluster.brokers, cluster)
    }
    const gateway = await startTestGateway(env)
    if (node !== 'behind a network')
      return new ConversationGateway(node, gateway, { end: () => Promise.resolve() })
    const network = await TcpProxy.start(0, Number(new URL(gateway.url).port))
    const url = `http://127.0.0.1:${network.port}`
    return new ConversationGateway(node, gateway, { network, url, end: () => network.stop() })
  }

  static async #startOnKafka(
    node: NodeName,
    env: Record<string, string>,
    brokers: string,
    cluster?: ProxiedCluster,
  ): Promise<ConversationGateway> {
    const topics = await createTopics(brokers, { partitions: 1 })
    const gateway = await startTestGateway({
      ...env,
      ...kafkaVariables(cluster?.gatewayBrokers ?? brokers, topics),
    })
    return new ConversationGateway(node, gateway, {
      network: cluster?.proxies[0],
      brokers,
      topicPrefix: topics.trades.replace('trades', ''),
      end: () => deleteTopics(brokers, topics),
    })
  }

  /** Ends what several nodes have used. */
  static async stopShared(): Promise<void> {
    await (await ConversationGateway.#cluster)?.stop()
  }

  /** Where WebSocket clients connect. */
  get streamUrl(): string {
    return `${this.url.replace('http', 'ws')}/v1/stream${this.feed === 'live' ? '' : `/${this.feed}`}`
  }

  /** The text with the names that this log has for its topics. */
  named(text: string): string {
    return text.replaceAll('market.', this.#surroundings.topicPrefix ?? 'market.')
  }

  async append(event: MarketEvent): Promise<void> {
    const [result] = await this.#log.events.append([event])
    if (result === undefined || 'error' in result) throw new Error('not appended', { cause: result })
  }

  /** Lets happen what a conversation says. */
  async act(what: string): Promise<void> {
    const { brokers = '', network } = this.#surroundings
    if (what === 'the node is stopped') {
      void this.gateway.leave()
    } else if (what === 'the topic of trades is deleted and recreated') {
      const topic = this.named('market.trades')
      await removeTopics(brokers, [topic])
      await ensureTopics(brokers, [topic], { partitions: 1 })
    } else if (what === 'the network swallows everything' || what === 'Kafka is out of reach') {
      network?.freeze()
    } else if (what === 'the network is back' || what === 'Kafka is back') {
      network?.resume()
    } else {
      throw new Error(`${what}: nobody knows how`)
    }
  }

  async stop(): Promise<void> {
    await this.#log.events.close()
    await this.gateway.stop()
    await this.#surroundings.end()
  }
}
