import {
  type NodeQuotas,
  QuotasUnavailableError,
  type RateClaim,
  type Release,
  type SlotKind,
} from '../limits/node-quotas.ts'
import type { AskOptions, WorkerChannel } from './worker-channel.ts'
import { isGranted, waitMs, type WorkerNotice, type WorkerQuestion } from './worker-messages.ts'

/**
 * The quotas of the node, which the primary keeps, as a worker uses them. A claim without an answer in time
 * is refused.
 */
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
    let isHeld = true
    const release: Release = () => {
      if (isHeld) this.#tell({ tell: 'release', number })
      isHeld = false
    }
    try {
      const question: WorkerQuestion = { ask: 'claim', number, kind, key }
      return (await this.#ask(question, { answer: isGranted })) ? release : undefined
    } catch (error) {
      // The primary may still grant it.
      release()
      throw error
    }
  }

  reserve(wants: readonly RateClaim[], mostMs: number): Promise<number> {
    const onLateAnswer = (late: number): void => {
      if (late <= mostMs) for (const want of wants) this.refund(want)
    }
    const question: WorkerQuestion = { ask: 'reserve', wants: [...wants], mostMs }
    return this.#ask(question, { answer: waitMs, onLateAnswer })
  }

  refund(want: RateClaim): void {
    this.#tell({ tell: 'refund', want })
  }

  async #ask<Answer>(
    question: WorkerQuestion,
    options: Omit<AskOptions<Answer>, 'withinMs'>,
  ): Promise<Answer> {
    try {
      return await this.#channel.ask(question, { ...options, withinMs: this.#withinMs })
    } catch (cause) {
      const message = 'the primary process, which keeps the limits, does not answer'
      throw new QuotasUnavailableError(message, { cause })
    }
  }

  #tell(notice: WorkerNotice): void {
    this.#channel.tell(notice)
  }
}
