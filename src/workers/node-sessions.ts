import type { FastifyBaseLogger } from 'fastify'
import { AdminFault } from '../admin/admin-fault.ts'
import type { AdministeredSessions } from '../admin/administration.ts'
import type { Revocation, RevocationRequest, Revocations } from '../auth/revocations.ts'
import type { SessionFacts } from '../session/session-facts.ts'
import type { Rebalancing, SessionPage, SessionQuery } from '../session/sessions.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import type { AskRule } from './worker-channel.ts'
import { parseSessionPage, type PrimaryNotice, type PrimaryQuestion } from './worker-messages.ts'
import { count } from './message-schemas.ts'
import type { WorkerProcess } from './worker-process.ts'

/** How many sessions one worker may have in its life: their numbers are its own number and nine digits. */
const numbersPerWorker = 1_000_000_000
const withinMs = 5000
const defaultPage = 100

/** Below the numbers of a worker's sessions. */
export function sessionNumbersAbove(worker: { readonly number: number }): number {
  return worker.number * numbersPerWorker
}

export interface NodeSessionsOptions {
  /** Those that run, in the order in which they began. */
  readonly workers: () => readonly WorkerProcess[]
  readonly revocations: Revocations
  readonly log: FastifyBaseLogger
}

/** The sessions of all workers, as an operator sees them. */
export class NodeSessions implements AdministeredSessions {
  readonly #options: NodeSessionsOptions

  constructor(options: NodeSessionsOptions) {
    this.#options = options
  }

  /** A page of them: by worker, in the order in which each worker's began. */
  async list({ after = 0, limit = defaultPage, subject }: SessionQuery): Promise<SessionPage> {
    const sessions: SessionFacts[] = []
    for (const worker of this.#options.workers()) {
      if (sessionNumbersAbove(worker) + numbersPerWorker <= after) continue
      const query = { after, limit: limit - sessions.length, ...(subject === undefined ? {} : { subject }) }
      const page = await this.#ask(worker, { ask: 'list', query }, { parse: parseSessionPage, withinMs })
      sessions.push(...page.sessions)
      if (page.next !== undefined) return { sessions, next: sessions.at(-1)?.number ?? after }
    }
    return { sessions }
  }

  async end(number: number): Promise<boolean> {
    const owner = Math.floor(number / numbersPerWorker)
    const worker = this.#options.workers().find(each => each.number === owner)
    if (worker === undefined) return false
    return await this.#ask(worker, { ask: 'end', number }, { parse: parseBoolean, withinMs })
  }

  /** A worker that does not answer has the revocation before everything that it is told later; only its sessions are not counted. */
  async revoke(
    request: RevocationRequest,
  ): Promise<{ readonly revocation: Revocation; readonly sessions: number }> {
    const { revocations, workers, log } = this.#options
    const revocation = revocations.add(request)
    const ended = workers().map(async ({ channel, slot }) => {
      const question: PrimaryQuestion = { ask: 'revoke', revocation }
      try {
        return await channel.ask(question, { parse: parseCount, withinMs })
      } catch (error) {
        log.warn({ worker: slot, reason: messageOf(error) }, 'a worker has not confirmed a revocation')
        return 0
      }
    })
    const sessions = (await Promise.all(ended)).reduce((sum, part) => sum + part, 0)
    return { revocation, sessions }
  }

  /** The same share of each worker's. */
  async rebalance(rebalancing: Rebalancing): Promise<number> {
    const question: PrimaryQuestion = { ask: 'rebalance', rebalancing }
    const asked = this.#options
      .workers()
      .map(worker => this.#ask(worker, question, { parse: parseCount, withinMs }))
    return (await Promise.all(asked)).reduce((sum, part) => sum + part, 0)
  }

  /** Takes a revocation back everywhere; false where there is none of this number. */
  lift(number: number): boolean {
    const { revocations, workers } = this.#options
    const notice: PrimaryNotice = { tell: 'lift', number }
    for (const { channel } of workers()) channel.tell(notice)
    return revocations.lift(number)
  }

  async #ask<Answer>(
    { channel, slot }: WorkerProcess,
    question: PrimaryQuestion,
    rule: AskRule<Answer>,
  ): Promise<Answer> {
    try {
      return await channel.ask(question, rule)
    } catch (error) {
      throw new AdminFault(503, `worker ${slot}: ${messageOf(error)}; try again`, 1)
    }
  }
}

function parseBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

function parseCount(value: unknown): number | undefined {
  return count(value) ? value : undefined
}
