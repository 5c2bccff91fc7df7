import {
  type NodeQuotas,
  QuotasUnavailableError,
  type SlotKind,
  type Release,
  type RateClaim,
} from '../limits/node-quotas.ts'
import type { WorkerChannel } from './worker-channel.ts'
import type { WorkerNotice, WorkerQuestion } from './worker-messages.ts'

/** The ledger of a worker: the primary's. What it does not answer in time is refused, never waited for. */
export class RemoteQuotas implements NodeQuotas {
  readonly #channel: Pick<WorkerChannel, 'ask' | 'tell'>
  readonly #withinMs: number
  #lastNumber = 0

  constructor(channel: Pick<WorkerChannel, 'ask' | 'tell'>, withinMs: number) {
    this.#channel = channel
    this.#withinMs = withinMs
  }

  async acquire(kind: SlotKind, key: string): Promise<Release | undefined> {
    const number = ++this.#lastNumber
    let isTaken = true
    const release: Release = () => {
      if (isTaken) this.#tell({ tell: 'release', number })
      isTaken = false
    }
    try {
      const isGiven = await this.#ask({ ask: 'claim', number, kind, key }, isBoolean)
      return isGiven ? release : undefined
    } catch (error) {
      // It may still be given, after nobody waits for it any more.
      release()
      throw error
    }
  }

  reserve(wants: readonly RateClaim[], mostMs: number): Promise<number> {
    const late = (waitMs: number): void => {
      if (waitMs <= mostMs) for (const want of wants) this.refund(want)
    }
    return this.#ask({ ask: 'reserve', wants, mostMs }, isWait, late)
  }

  refund(want: RateClaim): void {
    this.#tell({ tell: 'giveBack', want })
  }

  async #ask<Answer>(
    question: WorkerQuestion,
    check: (value: unknown) => value is Answer,
    late?: (answer: Answer) => void,
  ): Promise<Answer> {
    try {
      const parse = (value: unknown): Answer | undefined => (check(value) ? value : undefined)
      return await this.#channel.ask(question, {
        parse,
        withinMs: this.#withinMs,
        ...(late === undefined ? {} : { late }),
      })
    } catch (cause) {
      throw new QuotasUnavailableError('the primary process, which keeps the limits, does not answer', {
        cause,
      })
    }
  }

  #tell(notice: WorkerNotice): void {
    this.#channel.tell(notice)
  }
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function isWait(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}
