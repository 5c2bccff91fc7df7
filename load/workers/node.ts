import { setTimeout as pause } from 'node:timers/promises'
import { mintTestToken } from '../../test/support/gateway.ts'
import type { Child } from '../child-calls.ts'
import { childrenOf, processCpuUs } from '../cpu-clock.ts'
import type { Pace } from '../event-source.ts'
import { GatewayProcess } from '../gateway-process.ts'
import type { Ground } from '../ground.ts'
import { NumberedProducer } from '../numbered-producer.ts'
import { NumberedSource, partitions } from '../numbered-source.ts'
import type { Bench } from '../scenario.ts'
import type { Subscribers } from '../subscribers.ts'

/** What one phase used. */
export interface NodePhase {
  readonly deliveries: number
  /** Of all processes of the node, for the same events with nobody subscribed. */
  readonly readingCpuUs: number
  /** Of all processes of the node, kernel included. */
  readonly cpuUs: number
  /** The primary's part of it; 0 of a single process. */
  readonly primaryCpuUs: number
  /** Of all processes, for each connection that was opened and subscribed. */
  readonly connectionUs: number
  readonly primaryConnectionUs: number
  readonly eventsPerFlush: number
}

/** CPU in microseconds: of all processes of a node, and of its primary. */
interface NodeCpu {
  readonly all: number
  readonly primary: number
}

export interface NodeOptions {
  readonly ground: Ground
  readonly workers: number
  readonly subscribers: Child<Subscribers>
}

/** What is under way reaches the sockets meanwhile. */
const settleMs = 400
const symbols = 400
/** How long events gather. */
const lingerMs = 5

/** A gateway with topics of its own, so that it rests while another one is measured. */
export class MeasuredNode {
  readonly #gateway: GatewayProcess
  readonly #producer: NumberedProducer
  readonly #source = new NumberedSource(symbols)
  readonly #subscribers: Child<Subscribers>
  readonly #workers: number
  readonly #token: string

  private constructor(parts: {
    readonly gateway: GatewayProcess
    readonly producer: NumberedProducer
    readonly options: NodeOptions
    readonly token: string
  }) {
    this.#gateway = parts.gateway
    this.#producer = parts.producer
    this.#subscribers = parts.options.subscribers
    this.#workers = parts.options.workers
    this.#token = parts.token
  }

  static async start(options: NodeOptions, { stack, say }: Bench): Promise<MeasuredNode> {
    const { brokers, cores, createTopics } = options.ground
    const topics = await createTopics(partitions)
    const producer = await NumberedProducer.start(brokers, topics)
    stack.defer(() => producer.stop())
    say(`starting a gateway, workers: ${options.workers}`)
    const settings = { TICKER_WORKERS: String(options.workers) }
    const gateway = await GatewayProcess.start({ brokers, topics, cores, profile: undefined, settings })
    stack.defer(() => gateway.stop())
    const token = await mintTestToken({ lifetimeS: 7200 })
    return new MeasuredNode({ gateway, producer, options, token })
  }

  /** Events at an even pace to so many subscribers of everything, each delivered to each. */
  async measure(pace: Pace, subscribers: number, signal: AbortSignal): Promise<NodePhase> {
    const readingCpuUs = (await this.#publish(pace, signal)).all
    const opening = this.#cpu()
    await this.#open(subscribers)
    const opened = this.#cpu()
    const before = await this.#counts()
    const madeBefore = this.#source.events
    const used = await this.#publish(pace, signal)
    const after = await this.#counts()
    await this.#subscribers.call('close')
    const deliveries = after.deliveries - before.deliveries
    const owed = (this.#source.events - madeBefore) * subscribers
    if (deliveries !== owed) throw new Error(`${deliveries} deliveries instead of ${owed}`)
    return {
      deliveries,
      readingCpuUs,
      cpuUs: used.all,
      primaryCpuUs: used.primary,
      connectionUs: (opened.all - opening.all) / subscribers,
      primaryConnectionUs: (opened.primary - opening.primary) / subscribers,
      eventsPerFlush: (after.events - before.events) / (after.flushes - before.flushes),
    }
  }

  async #open(count: number): Promise<void> {
    const subscribe = { trades: ['*'], quotes: ['*'], policy: { quotes: 'every' } }
    const { host, port } = this.#gateway
    const opening = { token: this.#token, subscribe }
    await this.#subscribers.call('open', { host, port, opening }, count)
    await this.#subscribers.call('begin')
  }

  /** What publishing costs the node, until everything is delivered. */
  async #publish({ perSecond, seconds }: Pace, signal: AbortSignal): Promise<NodeCpu> {
    const begun = this.#cpu()
    const until = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)])
    await this.#producer.publishPaced(this.#source, { perSecond, lingerMs }, until)
    await pause(settleMs, undefined, { signal })
    const ended = this.#cpu()
    return { all: ended.all - begun.all, primary: ended.primary - begun.primary }
  }

  #cpu(): NodeCpu {
    const own = processCpuUs(this.#gateway.pid)
    if (this.#workers === 1) return { all: own, primary: 0 }
    const ofWorkers = childrenOf(this.#gateway.pid).map(processCpuUs)
    return { all: ofWorkers.reduce((sum, us) => sum + us, own), primary: own }
  }

  async #counts() {
    const [deliveries = 0, events = 0, flushes = 0] = await Promise.all(
      ['ticker_deliveries_total', 'ticker_flushed_events_total', 'ticker_flushes_total'].map(name =>
        this.#gateway.metric(name),
      ),
    )
    return { deliveries, events, flushes }
  }
}
