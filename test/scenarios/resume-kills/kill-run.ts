import { setTimeout as pause } from 'node:timers/promises'
import type { Topics } from '../../../src/log/topics.ts'
import { inspect, type KafkaFindings, readTruth, type TrueRecord } from '../../long/kafka-faults/truth.ts'
import { TradeProducer } from '../../long/kafka-faults/trade-producer.ts'
import { mintTestToken } from '../../support/gateway.ts'
import { Random } from '../../support/random.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../../support/topics.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { RestartableGateway } from './restartable-gateway.ts'
import { RoamingClient } from './roaming-client.ts'
import { judge, type Verdict } from './verdict.ts'

const symbols = Array.from({ length: 24 }, (_, index) => `SYM${index}`)
const subscribers = 100
/** One in so many wants every symbol; the others have a watch list. */
const everySymbolOneIn = 4
const ratePerS = 300

/**
 * When a node is killed: while all is quiet; at once after that, while its subscribers resume on the other
 * one, so that both are away; and while some subscribers move by themselves.
 */
const moments = ['quiet', 'rebound', 'move'] as const

/**
 * One of the nodes reads nothing back at its start and keeps a second of events: what is older comes from the
 * log.
 */
const forgetful = {
  TICKER_WARMUP_RECORDS: '0',
  TICKER_LOOK_BACK_RECORDS: '0',
  TICKER_TAPE_MS: '1000',
} as const

/** Every way to connect. */
export const everyForm = ['ticker.v1.json', 'ticker.v1.tape', 'sse'] as const

export interface KillRunOptions {
  readonly brokers: string
  readonly kills: number
  /** How subscribers connect: each in turn by a subprotocol, or by `sse`. */
  readonly forms: readonly string[]
  /** Decides who wants what, when, and where. */
  readonly seed: number
}

export interface KillReport {
  readonly verdict: Verdict
  readonly kafka: KafkaFindings
  readonly figures: Readonly<Record<string, number>>
  /** Log lines of the gateways with the level error or above. */
  readonly errors: readonly string[]
}

/**
 * Two gateways that are killed again and again, a producer that never pauses, and subscribers that go on from
 * their cursors.
 */
export class KillRun {
  readonly #options: KillRunOptions
  readonly #random: Random
  readonly #topics: Topics
  readonly #nodes: readonly [RestartableGateway, RestartableGateway]
  readonly #roamingClients: RoamingClient[] = []
  readonly #rebalances: Promise<void>[] = []
  #producer: TradeProducer | undefined
  #trap: { left: number; readonly spring: (node: RestartableGateway) => void } | undefined

  private constructor(options: KillRunOptions, topics: Topics) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#topics = topics
    const env = environment(options.brokers, topics)
    this.#nodes = [new RestartableGateway(env), new RestartableGateway({ ...env, ...forgetful })]
  }

  /** Starts both gateways, connects all subscribers, and begins to publish. */
  static async start(options: KillRunOptions): Promise<KillRun> {
    const topics = await createTopics(options.brokers)
    const run = new KillRun(options, topics)
    try {
      await run.#begin()
    } catch (error) {
      await run.stop()
      throw error
    }
    return run
  }

  /** Kills as often as was asked, lets everything come to rest, and compares. */
  async finish(): Promise<KillReport> {
    for (let kill = 0; kill < this.#options.kills; kill++) await this.#kill(moments[kill % moments.length]!)
    await this.#settle()
    await this.#producer!.publish(ratePerS)
    const produced = await this.#producer!.stop()
    const truth = await readTruth(this.#options.brokers, this.#topics.trades)
    const judged = () =>
      judge(
        this.#roamingClients.map(({ account }) => account),
        this.#topics.trades,
        truth,
      )
    await waitUntil(() => this.#haveAll(truth) && judged().uncovered === 0, 'the last events').catch(
      () => undefined,
    )
    const verdict = judged()
    return {
      verdict,
      kafka: inspect(truth, produced),
      figures: this.#figures(produced, verdict),
      errors: this.#nodes.flatMap(({ errors }) => errors),
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#roamingClients.map(roamingClient => roamingClient.stop()))
    await this.#producer?.stop()
    await Promise.all(this.#nodes.map(node => node.stop()))
    await deleteTopics(this.#options.brokers, this.#topics)
  }

  async #begin(): Promise<void> {
    await Promise.all(this.#nodes.map(node => node.start()))
    for (let index = 0; index < subscribers; index++)
      this.#roamingClients.push(await this.#roamingClient(index))
    await Promise.all(this.#roamingClients.map(roamingClient => roamingClient.start()))
    const { brokers } = this.#options
    this.#producer = await TradeProducer.start({ brokers, topic: this.#topics.trades, symbols, ratePerS })
  }

  async #roamingClient(index: number): Promise<RoamingClient> {
    const random = new Random(this.#options.seed * 1000 + index)
    const list = symbols.filter(() => random.chance(0.15))
    const options = {
      symbols: index % everySymbolOneIn === 0 || list.length === 0 ? ['*'] : list,
      token: await mintTestToken({ subject: `user ${index % 10}` }),
      gateways: this.#nodes,
      random,
      form: this.#options.forms[Math.floor(index / 2) % this.#options.forms.length]!,
      onAcknowledged: (place: unknown) => this.#acknowledged(place),
    }
    return new RoamingClient(options, this.#nodes[index % 2]!)
  }

  async #kill(moment: (typeof moments)[number]): Promise<void> {
    const victim = await this.#victim(moment)
    await victim.kill()
    this.#rebalances.push(victim.start().then(() => this.#rebalance(victim)))
  }

  /** Resolves at the moment, with whom it hits; where sessions resume, it is killed already. */
  async #victim(moment: (typeof moments)[number]): Promise<RestartableGateway> {
    if (moment === 'rebound') return await this.#trapped()
    await this.#settle()
    const node = this.#random.pick(this.#nodes)
    await pause(this.#random.whole(50, 700))
    if (moment === 'quiet') return node
    const trapped = this.#trapped()
    let moved = this.#moveHalfOf(node)
    // A node that is just back may have hardly any: those who were not live yet stayed with the other one.
    for (const other of this.#nodes) if (moved === 0 && other !== node) moved = this.#moveHalfOf(other)
    if (this.#trap !== undefined) this.#trap.left = Math.min(this.#trap.left, Math.max(1, moved))
    return await trapped
  }

  /**
   * Kills the node that acknowledges a resume, a seeded number of acknowledgements from now, in that very
   * moment.
   */
  async #trapped(): Promise<RestartableGateway> {
    let trapped: RestartableGateway | undefined
    const spring = (node: RestartableGateway): void => {
      trapped = node
      void node.kill()
    }
    this.#trap = { left: this.#random.whole(1, 10), spring }
    await waitUntil(() => trapped !== undefined, 'a session that resumes')
    return trapped!
  }

  #acknowledged(place: unknown): void {
    const node = this.#nodes.find(candidate => candidate === place)
    if (this.#trap === undefined || node === undefined || --this.#trap.left > 0) return
    const { spring } = this.#trap
    this.#trap = undefined
    spring(node)
  }

  /** A node that is back gets some of the other one's subscribers. */
  #rebalance(node: RestartableGateway): void {
    const other = this.#nodes.find(candidate => candidate !== node)
    if (other !== undefined) this.#moveHalfOf(other)
  }

  /** How many that were. */
  #moveHalfOf(node: RestartableGateway): number {
    let moved = 0
    for (const roamingClient of this.#roamingClients) {
      if (roamingClient.gateway !== node || !roamingClient.isLive || !this.#random.chance(0.5)) continue
      roamingClient.move()
      moved++
    }
    return moved
  }

  /** Resolves when both nodes are ready, and every subscriber is live. */
  async #settle(): Promise<void> {
    await Promise.all([...this.#nodes.map(({ ready }) => ready), ...this.#rebalances.splice(0)])
    await waitUntil(() => this.#roamingClients.every(({ isLive }) => isLive), 'every subscriber to be live')
  }

  #haveAll(truth: readonly TrueRecord[]): boolean {
    const counts = new Map<string, number>()
    for (const { symbol } of truth) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
    const owed = (wanted: readonly string[]): number =>
      wanted.includes('*') ? truth.length : wanted.reduce((sum, symbol) => sum + (counts.get(symbol) ?? 0), 0)
    return this.#roamingClients.every(
      roamingClient => roamingClient.numbers.length >= owed(roamingClient.symbols),
    )
  }

  #figures(produced: number, { lost, twice, disordered }: Verdict): Record<string, number> {
    const sum = (count: (roamingClient: RoamingClient) => number) =>
      this.#roamingClients.reduce((total, roamingClient) => total + count(roamingClient), 0)
    return {
      kills: this.#options.kills,
      subscribers,
      'events in Kafka': produced,
      delivered: sum(({ numbers }) => numbers.length),
      lost,
      twice,
      disordered,
      resumes: sum(({ client }) => client.resumes),
      'killed while catching up': sum(({ interrupted }) => interrupted),
      'longest time until live again ms': Math.round(
        Math.max(...this.#roamingClients.map(({ longestAwayMs }) => longestAwayMs)),
      ),
    }
  }
}

/** Limits that all subscribers of one address and ten users fit into. */
function environment(brokers: string, topics: Topics): Record<string, string> {
  return {
    ...kafkaVariables(brokers, topics),
    TICKER_HEARTBEAT_MS: '200',
    TICKER_HANDSHAKES_PER_ADDRESS_PER_SECOND: '1000',
    TICKER_SESSIONS_PER_USER_PER_SECOND: '1000',
  }
}
