import { type NodeQuotas, QuotasUnavailableError, type Release } from '../limits/node-quotas.ts'

/**
 * Why a session gets no slot: all slots of the node or of its user are taken, its user begins sessions too
 * fast, the node is short of memory, or the process that keeps the quotas does not answer.
 */
export type SlotRefusal = 'node' | 'user' | 'rate' | 'memory' | 'silence'

export type SlotResult = { readonly release: Release } | { readonly refusal: SlotRefusal }

export interface SessionAdmissionOptions {
  readonly quotas: NodeQuotas
  /** Whether the node is short of memory. */
  readonly isShort: () => boolean
}

/** Counts of sessions since start. */
export interface SessionAdmissionCounts {
  /** Sessions that had to wait for their user's turn. */
  delayed: number
  /** Sessions that got no slot, by the reason. */
  readonly refused: Record<SlotRefusal, number>
}

/** Gives sessions their slots once their tokens are verified. */
export class SessionAdmission {
  readonly counts: SessionAdmissionCounts = {
    delayed: 0,
    refused: { node: 0, user: 0, rate: 0, memory: 0, silence: 0 },
  }
  readonly #quotas: NodeQuotas
  readonly #isShort: () => boolean

  constructor({ quotas, isShort }: SessionAdmissionOptions) {
    this.#isShort = isShort
    this.#quotas = quotas
  }

  /**
   * Resolves when it is the user's turn, at most `mostMs` from now. A user who begins sessions faster waits,
   * so that a client which connects again without a pause is slowed down. A user who begins them much faster
   * gets none.
   */
  async claim(subject: string, mostMs: number): Promise<SlotResult> {
    if (this.#isShort()) return this.#refuse('memory')
    try {
      return await this.#claim(subject, mostMs)
    } catch (error) {
      if (error instanceof QuotasUnavailableError) return this.#refuse('silence')
      throw error
    }
  }

  async #claim(subject: string, mostMs: number): Promise<SlotResult> {
    const waitMs = await this.#quotas.reserve([{ kind: 'sessionsPerUser', key: subject, count: 1 }], mostMs)
    if (waitMs > mostMs) return this.#refuse('rate')
    if (waitMs > 0) {
      this.counts.delayed++
      await pause(waitMs)
    }
    const ofUser = await this.#quotas.acquire('sessionsPerUser', subject)
    if (ofUser === undefined) return this.#refuse('user')
    try {
      const ofNode = await this.#quotas.acquire('sessions', '')
      if (ofNode !== undefined) return { release: releaseBoth(ofUser, ofNode) }
    } catch (error) {
      ofUser()
      throw error
    }
    ofUser()
    return this.#refuse('node')
  }

  #refuse(refusal: SlotRefusal): SlotResult {
    this.counts.refused[refusal]++
    return { refusal }
  }
}

function releaseBoth(first: Release, second: Release): Release {
  return () => {
    first()
    second()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms)
  })
}
