import { type Channel, channels } from '../event/event.ts'
import type { Feed } from '../fanout/feed.ts'
import type { Block } from '../wire/block.ts'
import type { WireForm } from '../wire/wire-form.ts'
import type { Grant } from '../auth/grant.ts'
import { Session } from './session.ts'
import type { SessionLimits } from './session-parts.ts'
import { createSessionCounts, type SessionCounts } from './session-counts.ts'
import type { Transport } from './transport.ts'

export interface SessionsOptions {
  readonly feed: Feed
  readonly limits: SessionLimits
  readonly verify: (token: string) => Promise<Grant>
  /** Told of what went wrong with a client's message by a fault of ours. */
  readonly onFault?: (error: unknown) => void
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** From 0 to 1, for the jitter of a drain. */
  readonly random?: () => number
}

/** All sessions of this node: their limit, their common heartbeat, their end. */
export class Sessions {
  readonly counts: SessionCounts = createSessionCounts()
  readonly #options: SessionsOptions
  readonly #now: () => number
  readonly #sessions = new Map<Session, WireForm>()
  readonly #heartbeat: NodeJS.Timeout
  #onEmpty: () => void = () => undefined

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#heartbeat = setInterval(() => this.beat(), options.limits.heartbeatMs)
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Begins a session on a connection that was just accepted; `end` it when the connection is gone. */
  open(transport: Transport): Session {
    const { feed, limits, verify, onFault = () => undefined } = this.#options
    const session = new Session(
      {
        feed,
        limits,
        verify,
        onFault,
        counts: this.counts,
        admit: () => this.counts.states.live < limits.maxSessions,
      },
      transport,
    )
    this.#sessions.set(session, transport.form)
    return session
  }

  /** The connection of a session is gone. */
  end(session: Session): void {
    session.gone()
    this.#sessions.delete(session)
    if (this.#sessions.size === 0) this.#onEmpty()
  }

  /** Sends every live session one and the same heartbeat, and ends those whose token has expired. */
  beat(): void {
    const nowMs = this.#now()
    const blocks = new Map<WireForm, Block>()
    for (const [session, form] of this.#sessions) {
      session.expireAt(nowMs)
      const block = blocks.get(form) ?? form.message(this.#heartbeatMessage(nowMs))
      blocks.set(form, block)
      session.deliver(block)
    }
  }

  /**
   * Tells every client to connect elsewhere and closes the sessions one by one, each at a random time within `withinMs`, so that the
   * other nodes are not stormed. Resolves when all are gone or the time is over.
   */
  async drain(withinMs: number): Promise<void> {
    if (this.#sessions.size > 0) await this.#closeAll(withinMs)
    clearInterval(this.#heartbeat)
  }

  async #closeAll(withinMs: number): Promise<void> {
    const random = this.#options.random ?? Math.random
    const timers: NodeJS.Timeout[] = []
    await new Promise<void>(resolve => {
      this.#onEmpty = resolve
      timers.push(setTimeout(resolve, withinMs + 1000))
      for (const session of this.#sessions.keys()) {
        const reconnectInMs = Math.round(random() * withinMs)
        session.announceShutdown(reconnectInMs)
        timers.push(setTimeout(() => session.drain(), reconnectInMs))
      }
    })
    for (const timer of timers) clearTimeout(timer)
  }

  #heartbeatMessage(nowMs: number): object {
    const { tape, lag } = this.#options.feed
    const ages: Partial<Record<Channel, number>> = {}
    for (const channel of channels) {
      const newestMs = tape.newestMs[channel]
      if (newestMs > 0) ages[channel] = Math.max(0, nowMs - newestMs)
    }
    return { T: 'heartbeat', t: new Date(nowMs).toISOString(), agesMs: ages, lag }
  }
}
