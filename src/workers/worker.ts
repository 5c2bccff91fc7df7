import * as v from 'valibot'
import { type Gateway, startGateway } from '../app/gateway.ts'
import { type StoredRevocation, Revocations } from '../auth/revocations.ts'
import type { Config } from '../config/config.ts'
import { InterruptSignal } from '../system/interrupt-signal.ts'
import { RemoteQuotas } from './remote-quotas.ts'
import { WorkerChannel, WorkerChannelError } from './worker-channel.ts'
import {
  longestText,
  type PrimaryNotice,
  primaryNotice,
  type PrimaryQuestion,
  primaryQuestion,
  welcome,
  type WorkerNotice,
  type WorkerQuestion,
} from './worker-messages.ts'

/** How long a worker waits for the primary's answer; then the claim is refused. */
const quotaTimeoutMs = 2000
const joinWithinMs = 10_000
/** How often a worker says that it is alive; the primary replaces a silent one. */
const aliveMs = 1000
/** How often a worker reports why it is not ready, and how often it looks for a changed outage. */
const stateMs = 500

/**
 * Serves the stream as one of several processes, until the primary, a signal or a fault ends it. Resolves
 * with its exit code. If the primary dies, Node ends the worker.
 */
export async function runWorker(config: Config): Promise<number> {
  return await new WorkerNode(config).run()
}

class WorkerNode {
  readonly #config: Config
  readonly #revocations: Revocations
  readonly #stopping = new AbortController()
  readonly #channel: WorkerChannel
  #gateway: Gateway | undefined

  constructor(config: Config) {
    this.#config = config
    this.#revocations = new Revocations({ toleranceMs: config.auth.clockToleranceS * 1000 })
    this.#channel = new WorkerChannel({
      send: message => void process.send?.(message, undefined, {}, () => undefined),
      onQuestion: question => {
        if (v.is(primaryQuestion, question)) return this.#answer(question)
        throw new WorkerChannelError('unknown question from the primary')
      },
      onNotice: notice => {
        if (v.is(primaryNotice, notice)) this.#handle(notice)
      },
    })
    this.#revocations.onExtended.add(extended => this.#tell({ tell: 'extended', ...extended }))
  }

  async run(): Promise<number> {
    process.on('message', message => this.#channel.receive(message))
    const alive = setInterval(() => this.#tell({ tell: 'alive' }), aliveMs)
    try {
      return await this.#serve()
    } finally {
      clearInterval(alive)
    }
  }

  async #serve(): Promise<number> {
    const interrupt = InterruptSignal.ofProcess()
    interrupt.abandoning.addEventListener('abort', () => process.exit(130))
    interrupt.stopping.addEventListener('abort', () => this.#stopping.abort())
    const { signal } = this.#stopping
    const stopped = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    const gateway = await Promise.race([this.#start(), stopped])
    // Stopped before it served anyone.
    if (gateway === undefined) return 0
    const state = this.#reportState(gateway)
    const outage = this.#reportOutages(gateway)
    try {
      await Promise.race([stopped, gateway.ended])
    } finally {
      clearInterval(state)
      clearInterval(outage)
      await gateway.stop()
    }
    return 0
  }

  async #start(): Promise<Gateway> {
    const question: WorkerQuestion = { ask: 'join' }
    const joined = await this.#channel.ask(question, { answer: welcome, withinMs: joinWithinMs })
    for (const revocation of joined.revocations) this.#revocations.store(revocation)
    const gateway = await startGateway(this.#config, {
      worker: {
        quotas: new RemoteQuotas(this.#channel, quotaTimeoutMs),
        revocations: this.#revocations,
        sessionNumberBase: joined.sessionNumberBase,
        listenWhen: joined.listenWhen,
      },
    })
    this.#gateway = gateway
    this.#tell({ tell: 'listening', url: gateway.url })
    return gateway
  }

  /** Reports why the gateway is not ready, until it is. */
  #reportState({ controls, ready }: Gateway): NodeJS.Timeout {
    const report = (): void => {
      const reason = controls.notReadyReason()
      this.#tell({ tell: 'state', ...(reason && { notReadyReason: reason.slice(0, longestText) }) })
    }
    const timer = setInterval(report, stateMs)
    const end = (): void => {
      clearInterval(timer)
      report()
    }
    void ready.then(end)
    report()
    return timer
  }

  /** Reports the outages whenever they change. */
  #reportOutages({ controls }: Gateway): NodeJS.Timeout {
    let reported = ''
    return setInterval(() => {
      const outages = controls.outages().map(({ reason, ...outage }) => {
        return { ...outage, ...(reason !== undefined && { reason: reason.slice(0, longestText) }) }
      })
      // `since` may differ by a millisecond whenever it is computed.
      const known = JSON.stringify(outages.map(({ feed, source, reason }) => [feed, source, reason]))
      if (known === reported || (outages.length === 0 && reported === '')) return
      reported = known
      this.#tell({ tell: 'outages', outages })
    }, stateMs)
  }

  #answer(question: PrimaryQuestion): object | number | boolean {
    if (question.ask === 'revoke') return this.#revoke(question.revocation)
    if (this.#gateway === undefined) throw new WorkerChannelError('the worker is starting')
    const { sessions, drain, registry } = this.#gateway.controls
    if (question.ask === 'metrics') return registry.getMetricsAsJSON()
    if (question.ask === 'list') return sessions.list(question.query)
    if (question.ask === 'end') return sessions.end(question.number)
    if (question.ask === 'rebalance') return sessions.rebalance(question.rebalancing)
    const { withinMs }: PrimaryQuestion & { readonly ask: 'drain' } = question
    return drain.begin(withinMs).then(() => true)
  }

  /** Stores a revocation. Also during the start, so that the first session already obeys it. */
  #revoke(revocation: StoredRevocation): number {
    this.#revocations.store(revocation)
    return this.#gateway?.controls.sessions.endRevoked() ?? 0
  }

  #handle(notice: PrimaryNotice): void {
    switch (notice.tell) {
      case 'lift':
        this.#revocations.lift(notice.number)
        return
      case 'extended':
        return this.#revocations.extend(notice.number, notice.untilMs)
      case 'stop':
        return this.#stopping.abort()
    }
  }

  #tell(notice: WorkerNotice): void {
    this.#channel.tell(notice)
  }
}
