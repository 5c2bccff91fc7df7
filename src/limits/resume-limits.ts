import { UserConcurrency, limitConcurrency } from './concurrency-limiter.ts'
import { type NodeQuotas, QuotasUnavailableError, type RateClaim } from './node-quotas.ts'

/** How many sessions may read the log at the same time. */
export interface ResumeConcurrency {
  /** Sessions of this process that read the log at the same time. */
  readonly resumesAtOnce: number
  /** Those of one user. */
  readonly resumesAtOncePerUser: number
}

export interface ResumeLimitsOptions extends ResumeConcurrency {
  /** Holds the number of missed bytes that each user's sessions may be sent. */
  readonly quotas: NodeQuotas
}

/** The reasons for which a session that catches up from the log may wait. */
type ResumeWait = 'bytes' | 'user' | 'node'

/** Counters, read when metrics are collected. */
export interface ResumeLimitCounts {
  /** Bytes that were taken since the start. */
  bytes: number
  /** How often a session had to wait, by reason. */
  readonly delayed: Record<ResumeWait, number>
  /** Sessions that wait for their user's bytes. */
  waiting: number
}

/** The share of the node that one user may use to catch up. Nothing is refused: sessions wait. */
export interface ResumeAllowance {
  /**
   * Takes bytes from the user's allowance before they are sent. Resolves when there are enough, or when the
   * signal aborts. A minute's worth may be taken at once. Sessions of a user are served in the order of their
   * calls.
   */
  readonly takeBytes: (bytes: number, signal: AbortSignal) => Promise<void>
  /** Runs a read of the log when both the user and the node have a free slot for it. */
  readonly runRead: (work: () => Promise<void>) => Promise<void>
}

/** How long to wait before quotas that did not answer are asked again. */
const retryMs = 1000
/** The longest time that a timer takes. */
const longestPauseMs = 2_147_483_647

/** Limits the bytes that sessions are sent to catch up from the log, for each user and for the whole node. */
export class ResumeLimits {
  readonly counts: ResumeLimitCounts = { bytes: 0, delayed: { bytes: 0, user: 0, node: 0 }, waiting: 0 }
  readonly #quotas: NodeQuotas
  readonly #users: UserConcurrency
  readonly #atOnce: number
  readonly #limited: (work: () => Promise<void>) => Promise<void>
  /** Reads that are under way, or wait for the node. */
  #reads = 0

  constructor({ quotas, resumesAtOnce, resumesAtOncePerUser }: ResumeLimitsOptions) {
    this.#quotas = quotas
    this.#users = new UserConcurrency(resumesAtOncePerUser)
    this.#atOnce = resumesAtOnce
    this.#limited = limitConcurrency(work => work(), resumesAtOnce)
  }

  /** Returns the allowance of a user. */
  of(user: string): ResumeAllowance {
    return {
      takeBytes: (bytes, signal) => this.#takeBytes(user, bytes, signal),
      runRead: work => {
        if (this.#users.isFull(user)) this.counts.delayed.user++
        return this.#users.run(user, () => this.runRead(work))
      },
    }
  }

  /** Runs a read of the log when the node has a free slot for it, for whichever user. */
  async runRead(work: () => Promise<void>): Promise<void> {
    if (this.#reads >= this.#atOnce) this.counts.delayed.node++
    this.#reads++
    try {
      await this.#limited(work)
    } finally {
      this.#reads--
    }
  }

  async #takeBytes(user: string, bytes: number, signal: AbortSignal): Promise<void> {
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
    // The session has ended; its bytes go to the user's other sessions.
    this.#quotas.refund(want)
    this.counts.bytes -= bytes
  }

  /**
   * Resolves to how many ms to wait, or to `undefined` when the signal aborts before that is known. Nothing
   * is refused, so quotas that do not answer are asked again.
   */
  async #reserve(want: RateClaim, signal: AbortSignal): Promise<number | undefined> {
    for (;;) {
      try {
        return await this.#quotas.reserve([want], Number.POSITIVE_INFINITY)
      } catch (error) {
        if (!(error instanceof QuotasUnavailableError)) throw error
      }
      await pause(retryMs, signal)
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
    // The session may have ended while the quotas were asked.
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
