import type { FastifyBaseLogger } from 'fastify'
import { AdminFault } from '../admin/admin-fault.ts'
import type { AdministeredSessions } from '../admin/admin-routes.ts'
import type { Revocation, RevocationRequest, Revocations } from '../auth/revocations.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import type { SessionFacts } from '../session/session-facts.ts'
import type { Rebalancing, SessionPage, SessionQuery } from '../session/sessions.ts'
import type { AskOptions } from './worker-channel.ts'
import {
  isEnded,
  type PrimaryNotice,
  type PrimaryQuestion,
  sessionCount,
  sessionPage,
} from './worker-messages.ts'
import type { WorkerProcess } from './worker-process.ts'

/** How many sessions a worker may have in its life: their numbers are the worker's number and nine digits. */
const numbersPerWorker = 1_000_000_000
const withinMs = 5000
const defaultLimit = 100

/** The numbers of a worker's sessions are above this. */
export function sessionNumberBase(worker: { readonly number: number }): number {
  return worker.number * numbersPerWorker
}

export interface NodeSessionsOptions {
  /** The running workers, in the order in which they were started. */
  readonly workers: () => readonly WorkerProcess[]
  readonly revocations: Revocations
  readonly log: FastifyBaseLogger
}

/** The sessions of all workers, for administration. */
export class NodeSessions implements AdministeredSessions {
  readonly #options: NodeSessionsOptions

  constructor(options: NodeSessionsOptions) {
    this.#options = options
  }

  /** Returns a page of sessions: by worker, then in the order in which they began. */
  async list({ after = 0, limit = defaultLimit, ...filter }: SessionQuery): Promise<SessionPage> {
    const sessions: SessionFacts[] = []
    for (const worker of this.#options.workers()) {
      if (sessionNumberBase(worker) + numbersPerWorker <= after) continue
      const query = { after, limit: limit - sessions.length, ...filter }
      const page = await ask(worker, { ask: 'list', query }, { answer: sessionPage, withinMs })
      sessions.push(...page.sessions)
      if (page.next !== undefined) return { sessions, next: sessions.at(-1)?.number ?? after }
    }
    return { sessions }
  }

  async end(number: number): Promise<boolean> {
    const owner = Math.floor(number / numbersPerWorker)
    const worker = this.#options.workers().find(each => each.number === owner)
    if (worker === undefined) return false
    return await ask(worker, { ask: 'end', number }, { answer: isEnded, withinMs })
  }

  /**
   * A worker that does not answer in time still gets the revocation first; only its sessions are not counted.
   */
  async revoke(
    request: RevocationRequest,
  ): Promise<{ readonly revocation: Revocation; readonly sessions: number }> {
    const { revocations, workers, log } = this.#options
    const revocation = revocations.add(request)
    const question: PrimaryQuestion = { ask: 'revoke', revocation }
    const counts = workers().map(async ({ channel, ordinal }) => {
      try {
        return await channel.ask(question, { answer: sessionCount, withinMs })
      } catch (error) {
        log.warn({ worker: ordinal, reason: messageOf(error) }, 'a worker has not confirmed a revocation')
        return 0
      }
    })
    return { revocation, sessions: sum(await Promise.all(counts)) }
  }

  /** Closes the same share of each worker's sessions. */
  async rebalance(rebalancing: Rebalancing): Promise<number> {
    const question: PrimaryQuestion = { ask: 'rebalance', rebalancing }
    const options = { answer: sessionCount, withinMs }
    const counts = this.#options.workers().map(worker => ask(worker, question, options))
    return sum(await Promise.all(counts))
  }

  /** Lifts a revocation in every process. Returns whether there was one of this number. */
  lift(number: number): boolean {
    const { revocations, workers } = this.#options
    const notice: PrimaryNotice = { tell: 'lift', number }
    for (const { channel } of workers()) channel.tell(notice)
    return revocations.lift(number)
  }
}

async function ask<Answer>(
  { channel, ordinal }: WorkerProcess,
  question: PrimaryQuestion,
  options: AskOptions<Answer>,
): Promise<Answer> {
  try {
    return await channel.ask(question, options)
  } catch (error) {
    throw new AdminFault(503, `worker ${ordinal}: ${messageOf(error)}; try again`, 1)
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
