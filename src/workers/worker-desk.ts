import type { FastifyBaseLogger } from 'fastify'
import type { Revocations } from '../auth/revocations.ts'
import type { LocalLedger } from '../limits/ledger.ts'
import { RateLimitedLog } from '../rate-limited-log.ts'
import type { Crew, CrewDuties } from './crew.ts'
import { LedgerShare } from './ledger-share.ts'
import { LineError } from './line.ts'
import {
  isWorkerNotice,
  isWorkerQuestion,
  type PrimaryNotice,
  type Welcome,
  type WorkerNotice,
  type WorkerQuestion,
} from './messages.ts'
import { sessionNumbersAbove } from './node-sessions.ts'
import type { WorkerProcess } from './worker-process.ts'

export interface WorkerDeskOptions {
  readonly ledger: LocalLedger
  readonly revocations: Revocations
  readonly crew: () => Crew
  /** Told when a worker is gone. */
  readonly onGone: (worker: WorkerProcess) => void
  readonly log: FastifyBaseLogger
}

/** Where the primary answers its workers: the node's ledger and revocations, and who listens. */
export class WorkerDesk implements CrewDuties {
  readonly #options: WorkerDeskOptions
  readonly #shares = new Map<number, LedgerShare>()
  readonly #strange: RateLimitedLog

  constructor(options: WorkerDeskOptions) {
    this.#options = options
    this.#strange = new RateLimitedLog(options.log)
  }

  of(worker: () => WorkerProcess): ReturnType<CrewDuties['of']> {
    return {
      answer: question => {
        if (isWorkerQuestion(question)) return this.#answer(question, worker())
        throw new LineError('the question is none')
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
  #share({ number }: WorkerProcess): LedgerShare {
    const share = this.#shares.get(number) ?? new LedgerShare(this.#options.ledger)
    this.#shares.set(number, share)
    return share
  }

  #answer(question: WorkerQuestion, worker: WorkerProcess): Welcome | boolean | Promise<number> {
    if (question.ask === 'join') return this.#welcome(worker)
    if (question.ask === 'reserve') return this.#options.ledger.reserve(question.wants, question.mostMs)
    return this.#share(worker).claim(question.number, question.kind, question.key)
  }

  /** Whoever joins while others serve leaves clients to them until it is ready. */
  #welcome(worker: WorkerProcess): Welcome {
    const { crew, revocations } = this.#options
    const others = crew().workers.filter(each => each !== worker)
    return {
      slot: worker.slot,
      listens: others.some(({ url }) => url !== undefined) ? 'when ready' : 'at once',
      sessionNumbersAbove: sessionNumbersAbove(worker),
      revocations: revocations.kept(),
    }
  }

  #hear(notice: WorkerNotice, worker: WorkerProcess): void {
    const { crew, ledger } = this.#options
    switch (notice.tell) {
      case 'alive':
        return
      case 'listening':
        return crew().listens(worker, notice.url)
      case 'state':
        return crew().hasState(worker, notice.lack)
      case 'outage':
        worker.outage = notice.outage
        return
      case 'release':
        return this.#share(worker).release(notice.number)
      case 'giveBack':
        return ledger.giveBack(notice.want)
      case 'extended':
        return this.#extend(notice)
    }
  }

  #extend({ number, untilMs }: { readonly number: number; readonly untilMs: number }): void {
    const { crew, revocations } = this.#options
    revocations.extend(number, untilMs)
    const notice: PrimaryNotice = { tell: 'extended', number, untilMs }
    for (const { line } of crew().workers) line.tell(notice)
  }
}
