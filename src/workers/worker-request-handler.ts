import type { FastifyBaseLogger } from 'fastify'
import type { Revocations } from '../auth/revocations.ts'
import { RateLimitedLog } from '../diagnostics/rate-limited-log.ts'
import type { LocalQuotas, Release, SlotKind } from '../limits/node-quotas.ts'
import { sessionNumbersAbove } from './node-sessions.ts'
import { WorkerChannelError } from './worker-channel.ts'
import {
  type PrimaryNotice,
  type Welcome,
  type WorkerNotice,
  type WorkerQuestion,
  isWorkerNotice,
  isWorkerQuestion,
} from './worker-messages.ts'
import type { WorkerPool, WorkerPoolHandlers } from './worker-pool.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What one worker holds of the node's ledger, by the worker's numbers. */
export class WorkerQuotas {
  readonly #quotas: LocalQuotas
  readonly #held = new Map<number, Release>()

  constructor(quotas: LocalQuotas) {
    this.#quotas = quotas
  }

  /** How many places it holds. */
  get size(): number {
    return this.#held.size
  }

  /** Claims a place; whether it was free. A number that is held already gets none. */
  claim(number: number, kind: SlotKind, key: string): boolean {
    if (this.#held.has(number)) return false
    const release = this.#quotas.acquireNow(kind, key)
    if (release === undefined) return false
    this.#held.set(number, release)
    return true
  }

  /** Gives a place back; one that is not held is none. */
  release(number: number): void {
    this.#held.get(number)?.()
    this.#held.delete(number)
  }

  /** Gives back all that a worker held that is gone. */
  releaseAll(): void {
    for (const release of this.#held.values()) release()
    this.#held.clear()
  }
}

interface WorkerRequestHandlerOptions {
  readonly quotas: LocalQuotas
  readonly revocations: Revocations
  readonly pool: () => WorkerPool
  /** Told when a worker is gone. */
  readonly onGone: (worker: WorkerProcess) => void
  readonly log: FastifyBaseLogger
}

/** Where the primary answers its workers: the node's ledger and revocations, and who listens. */
export class WorkerRequestHandler implements WorkerPoolHandlers {
  readonly #options: WorkerRequestHandlerOptions
  readonly #shares = new Map<number, WorkerQuotas>()
  readonly #strange: RateLimitedLog

  constructor(options: WorkerRequestHandlerOptions) {
    this.#options = options
    this.#strange = new RateLimitedLog(options.log)
  }

  of(worker: () => WorkerProcess): ReturnType<WorkerPoolHandlers['of']> {
    return {
      answer: question => {
        if (isWorkerQuestion(question)) return this.#answer(question, worker())
        throw new WorkerChannelError('the question is none')
      },
      hear: notice => {
        if (isWorkerNotice(notice)) this.#hear(notice, worker())
        else this.#strange.warn({ worker: worker().slot }, 'a worker said something that is not understood')
      },
    }
  }

  gone(worker: WorkerProcess): void {
    this.#shares.get(worker.number)?.releaseAll()
    this.#shares.delete(worker.number)
    this.#options.onGone(worker)
  }

  /** What there is of the ledger for a worker. */
  #share({ number }: WorkerProcess): WorkerQuotas {
    const share = this.#shares.get(number) ?? new WorkerQuotas(this.#options.quotas)
    this.#shares.set(number, share)
    return share
  }

  #answer(question: WorkerQuestion, worker: WorkerProcess): Welcome | boolean | Promise<number> {
    if (question.ask === 'join') return this.#welcome(worker)
    if (question.ask === 'reserve') return this.#options.quotas.reserve(question.wants, question.mostMs)
    return this.#share(worker).claim(question.number, question.kind, question.key)
  }

  /** Whoever joins while others serve leaves clients to them until it is ready. */
  #welcome(worker: WorkerProcess): Welcome {
    const { pool, revocations } = this.#options
    const others = pool().workers.filter(each => each !== worker)
    return {
      slot: worker.slot,
      listens: others.some(({ url }) => url !== undefined) ? 'when ready' : 'at once',
      sessionNumbersAbove: sessionNumbersAbove(worker),
      revocations: revocations.stored(),
    }
  }

  #hear(notice: WorkerNotice, worker: WorkerProcess): void {
    const { pool, quotas } = this.#options
    switch (notice.tell) {
      case 'alive':
        return
      case 'listening':
        return pool().listens(worker, notice.url)
      case 'state':
        return pool().hasState(worker, notice.notReadyReason)
      case 'outage':
        worker.outage = notice.outage
        return
      case 'release':
        return this.#share(worker).release(notice.number)
      case 'giveBack':
        return quotas.refund(notice.want)
      case 'extended':
        return this.#extend(notice)
    }
  }

  #extend({ number, untilMs }: { readonly number: number; readonly untilMs: number }): void {
    const { pool, revocations } = this.#options
    revocations.extend(number, untilMs)
    const notice: PrimaryNotice = { tell: 'extended', number, untilMs }
    for (const { channel } of pool().workers) channel.tell(notice)
  }
}
