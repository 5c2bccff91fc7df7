import { UserConcurrency, limitConcurrency } from './concurrency-limiter.ts'
import { type NodeQuotas, QuotasUnavailableError, type RateClaim } from './node-quotas.ts'

/** How many sessions may read the log again. */
export interface ResumeConcurrency {
  /** Sessions of this process that read the log again at a time. */
  readonly resumesAtOnce: number
  /** And of one user. */
  readonly resumesAtOncePerUser: number
}

export interface ResumeLimitsOptions extends ResumeConcurrency {
  /** What a user's sessions may be sent of what they missed. */
  readonly quotas: NodeQuotas
}

/** What a session that catches up from the log may have to wait for. */
export type ResumeWait = 'bytes' | 'user' | 'node'

/** Plain counters, read when metrics are collected. */
export interface ResumeLimitCounts {
  /** Bytes that were taken, since start. */
  bytes: number
  /** Times that a session had to wait, by what for. */
  readonly delayed: Record<ResumeWait, number>
  /** Sessions that wait until their user may be sent more. */
  waiting: number
}

/** What one user may use of the node to catch up. Nothing is refused: who wants more waits. */
export interface ResumeAllowance {
  /**
   * Takes so many bytes of what the user may be sent, before they are sent; resolves when there is enough, or when the signal
   * aborts. A minute's worth may be used at once. Sessions of a user have it in the order in which they asked.
   */
  readonly take: (bytes: number, signal: AbortSignal) => Promise<void>
  /** Reads a piece of the log, when the user and the node have a turn for it. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>
}

/** After which a ledger that was silent is asked again. */
const silenceMs = 1000
/** Timers take no more. */
const longestPauseMs = 2_147_483_647

/** How much sessions may be given of what they missed, for each user and for all. */
export class ResumeLimits {
  readonly counts: ResumeLimitCounts = { bytes: 0, delayed: { bytes: 0, user: 0, node: 0 }, waiting: 0 }
  readonly #quotas: NodeQuotas
  readonly #users: UserConcurrency
  readonly #atOnce: number
  readonly #pass: (work: () => Promise<void>) => Promise<void>
  /** Pieces that are read for sessions, or wait for the node. */
  #pieces = 0

  constructor({ quotas, resumesAtOnce, resumesAtOncePerUser }: ResumeLimitsOptions) {
    this.#quotas = quotas
    this.#users = new UserConcurrency(resumesAtOncePerUser)
    this.#atOnce = resumesAtOnce
    this.#pass = limitConcurrency(work => work(), resumesAtOnce)
  }

  /** What a user may use. */
  of(user: string): ResumeAllowance {
    return {
      take: (bytes, signal) => this.#take(user, bytes, signal),
      inTurn: work => {
        if (this.#users.isFull(user)) this.counts.delayed.user++
        return this.#users.inTurn(user, () => this.inTurn(work))
      },
    }
  }

  /** Reads a piece of the log, when the node has a turn for it, whoever it is for. */
  async inTurn(work: () => Promise<void>): Promise<void> {
    if (this.#pieces >= this.#atOnce) this.counts.delayed.node++
    this.#pieces++
    try {
      await this.#pass(work)
    } finally {
      this.#pieces--
    }
  }

  async #take(user: string, bytes: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const want = { kind: 'resumedBytesPerUser', key: user, count: bytes } as const
    const waitMs = await this.#reserve(want, signal)
    if (waitMs === undefined) return
    this.counts.bytes += bytes
    if (waitMs === 0) return
    this.counts.delayed.bytes++
    this.counts.waiting++
    await pause(Math.min(waitMs, longestPauseMs), signal)
    this.counts.waiting--
    if (!signal.aborted) return
    // It left: what it will not be sent is for the user's other sessions.
    this.#quotas.giveBack(want)
    this.counts.bytes -= bytes
  }

  /**
   * How long to wait for it; `undefined` when the signal aborts before that is known. Nothing is refused, so where the ledger does
   * not answer it is asked again.
   */
  async #reserve(want: RateClaim, signal: AbortSignal): Promise<number | undefined> {
    for (;;) {
      try {
        return await this.#quotas.reserve([want], Number.POSITIVE_INFINITY)
      } catch (error) {
        if (!(error instanceof QuotasUnavailableError)) throw error
      }
      await pause(silenceMs, signal)
      if (signal.aborted) return undefined
    }
  }
}

/** Resolves when the time is over or the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    // It may have left while the ledger was asked.
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
