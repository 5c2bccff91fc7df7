import { Revocations } from '../auth/revocations.ts'
import type { Config } from '../config/config.ts'
import { startGateway } from '../app/gateway.ts'
import type { OutageReport } from '../feed/outage.ts'
import type { Gateway } from '../app/gateway-run.ts'
import { InterruptSignal } from '../system/interrupt-signal.ts'
import { WorkerChannel, WorkerChannelError } from './worker-channel.ts'
import {
  isPrimaryNotice,
  isPrimaryQuestion,
  parseWelcome,
  type PrimaryNotice,
  type PrimaryQuestion,
  type WorkerNotice,
  type WorkerQuestion,
} from './worker-messages.ts'
import { mostText } from './message-schemas.ts'
import { RemoteQuotas } from './remote-quotas.ts'

/** How long the primary may take to answer a claim; then it is refused. */
const quotaTimeoutMs = 2000
const joinWithinMs = 10_000
/** How often a worker says that it is there, however busy; the primary replaces one that says nothing. */
const aliveMs = 1000
/** How often a worker that is not ready says why, and one that cannot read, at most. */
const stateMs = 500

/**
 * Serves the stream as one of several processes, until the primary, a signal or a fault of its own ends it; resolves with the code of
 * its end. Where the primary is gone, Node ends it at once.
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
      answer: question => {
        if (isPrimaryQuestion(question)) return this.#answer(question)
        throw new WorkerChannelError('the question is none')
      },
      hear: notice => {
        if (isPrimaryNotice(notice)) this.#hear(notice)
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
    // It served nobody yet.
    if (gateway === undefined) return 0
    const state = this.#tellState(gateway)
    const outage = this.#tellOutages(gateway)
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
    const welcome = await this.#channel.ask(question, { parse: parseWelcome, withinMs: joinWithinMs })
    for (const revocation of welcome.revocations) this.#revocations.store(revocation)
    const gateway = await startGateway(this.#config, {
      worker: {
        quotas: new RemoteQuotas(this.#channel, quotaTimeoutMs),
        revocations: this.#revocations,
        sessionNumbersAbove: welcome.sessionNumbersAbove,
        listens: welcome.listens,
      },
    })
    this.#gateway = gateway
    this.#tell({ tell: 'listening', url: gateway.url })
    return gateway
  }

  /** Says why it is not ready, until it is. */
  #tellState({ controls, ready }: Gateway): NodeJS.Timeout {
    const tell = (): void => {
      const notReadyReason = controls.notReadyReason()
      this.#tell({
        tell: 'state',
        ...(notReadyReason === undefined ? {} : { notReadyReason: notReadyReason.slice(0, mostText) }),
      })
    }
    const timer = setInterval(tell, stateMs)
    const end = (): void => {
      clearInterval(timer)
      tell()
    }
    void ready.then(end)
    tell()
    return timer
  }

  /** Says what keeps it from reading, whenever that changes. */
  #tellOutages({ controls }: Gateway): NodeJS.Timeout {
    let told: OutageReport | undefined
    return setInterval(() => {
      const outage = controls.outage()
      if (outage?.source === told?.source && outage?.reason === told?.reason) return
      told = outage
      const reason = outage?.reason?.slice(0, mostText)
      this.#tell({ tell: 'outage', ...(outage && { outage: { ...outage, ...(reason && { reason }) } }) })
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
    return drain.begin(question.withinMs).then(() => true)
  }

  /** Also while it starts: its first session is under the revocations of that time. */
  #revoke(revocation: Parameters<Revocations['store']>[0]): number {
    this.#revocations.store(revocation)
    return this.#gateway?.controls.sessions.endRevoked() ?? 0
  }

  #hear(notice: PrimaryNotice): void {
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
