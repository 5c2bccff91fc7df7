import type { FastifyBaseLogger } from 'fastify'
import * as v from 'valibot'
import type { Revocations } from '../auth/revocations.ts'
import { RateLimitedLog } from '../diagnostics/rate-limited-log.ts'
import type { LocalQuotas, Release, SlotKind } from '../limits/node-quotas.ts'
import { sessionNumberBase } from './node-sessions.ts'
import { WorkerChannelError, type WorkerChannelHandlers } from './worker-channel.ts'
import {
  type PrimaryNotice,
  type Welcome,
  type WorkerNotice,
  workerNotice,
  type WorkerQuestion,
  workerQuestion,
} from './worker-messages.ts'
import type { WorkerPool, WorkerPoolHandlers } from './worker-pool.ts'
import type { WorkerProcess } from './worker-process.ts'

/** The slots that one worker holds of the node's quotas, by the worker's own numbers. */
export class WorkerQuotas {
  readonly #quotas: LocalQuotas
  readonly #held = new Map<number, Release>()

  constructor(quotas: LocalQuotas) {
    this.#quotas = quotas
  }

  /** How many slots it holds. */
  get size(): number {
    return this.#held.size
  }

  /** Claims a slot. Returns whether one was free; false for a number that is in use already. */
  claim(number: number, kind: SlotKind, key: string): boolean {
    if (this.#held.has(number)) return false
    const release = this.#quotas.acquireNow(kind, key)
    if (release === undefined) return false
    this.#held.set(number, release)
    return true
  }

  /** Releases a slot; does nothing if it is not held. */
  release(number: number): void {
    this.#held.get(number)?.()
    this.#held.delete(number)
  }

  /** Releases every slot: the worker is gone. */
  releaseAll(): void {
    for (const release of this.#held.values()) release()
    this.#held.clear()
  }
}

interface WorkerRequestHandlerOptions {
  readonly quotas: LocalQuotas
  readonly revocations: Revocations
  readonly pool: () => WorkerPool
  /** Called when a worker is gone. */
  readonly onGone: (worker: WorkerProcess) => void
  readonly log: FastifyBaseLogger
}

/** Answers what workers ask the primary: about the node's quotas and revocations, and when to listen. */
export class WorkerRequestHandler implements WorkerPoolHandlers {
  readonly #options: WorkerRequestHandlerOptions
  readonly #quotasByWorker = new Map<number, WorkerQuotas>()
  readonly #malformedLog: RateLimitedLog

  constructor(options: WorkerRequestHandlerOptions) {
    this.#options = options
    this.#malformedLog = new RateLimitedLog(options.log)
  }

  channelHandlers(worker: () => WorkerProcess): WorkerChannelHandlers {
    return {
      onQuestion: question => {
        if (v.is(workerQuestion, question)) return this.#answer(question, worker())
        throw new WorkerChannelError('unknown question from the worker')
      },
      onNotice: notice => {
        if (v.is(workerNotice, notice)) this.#handle(notice, worker())
        else this.#malformedLog.warn({ worker: worker().ordinal }, 'a notice of a worker is malformed')
      },
    }
  }

  onGone(worker: WorkerProcess): void {
    this.#quotasByWorker.get(worker.number)?.releaseAll()
    this.#quotasByWorker.delete(worker.number)
    this.#options.onGone(worker)
  }

  #quotasOf({ number }: WorkerProcess): WorkerQuotas {
    const quotas = this.#quotasByWorker.get(number) ?? new WorkerQuotas(this.#options.quotas)
    this.#quotasByWorker.set(number, quotas)
    return quotas
  }

  #answer(question: WorkerQuestion, worker: WorkerProcess): Welcome | boolean | Promise<number> {
    if (question.ask === 'join') return this.#welcome(worker)
    if (question.ask === 'reserve') return this.#options.quotas.reserve(question.wants, question.mostMs)
    return this.#quotasOf(worker).claim(question.number, question.kind, question.key)
  }

  /** A worker that joins while others serve leaves clients to them until it is ready. */
  #welcome(worker: WorkerProcess): Welcome {
    const { pool, revocations } = this.#options
    const others = pool().workers.filter(each => each !== worker)
    return {
      ordinal: worker.ordinal,
      listenWhen: others.some(({ url }) => url !== undefined) ? 'when ready' : 'at once',
      sessionNumberBase: sessionNumberBase(worker),
      revocations: revocations.stored(),
    }
  }

  #handle(notice: WorkerNotice, worker: WorkerProcess): void {
    const { pool, quotas } = this.#options
    switch (notice.tell) {
      case 'alive':
        return
      case 'listening':
        return pool().noteListening(worker, notice.url)
      case 'state':
        return pool().noteState(worker, notice.notReadyReason)
      case 'outages':
        worker.outages = notice.outages
        return
      case 'release':
        return this.#quotasOf(worker).release(notice.number)
      case 'refund':
        return quotas.refund(notice.want)
      case 'extended':
        return this.#extend(notice)
    }
  }

  #extend(notice: PrimaryNotice & { readonly tell: 'extended' }): void {
    const { pool, revocations } = this.#options
    revocations.extend(notice.number, notice.untilMs)
    for (const { channel } of pool().workers) channel.tell(notice)
  }
}
