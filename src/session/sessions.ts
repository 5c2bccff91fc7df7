import type { Grant } from '../auth/grant.ts'
import type { Revocation, RevocationRequest, Revocations } from '../auth/revocations.ts'
import { ActiveFilters } from '../feed/active-filters.ts'
import { FeedDirectory } from '../feed/feed-directory.ts'
import type { SheddingAmount } from '../limits/memory-guard.ts'
import type { NodeQuotas } from '../limits/node-quotas.ts'
import { type ResumeLimitCounts, ResumeLimits } from '../limits/resume-limits.ts'
import { SlicedQueue } from '../limits/sliced-queue.ts'
import { SlicedVisit } from '../limits/sliced-visit.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { ReaderScheduler } from './catch-up/reader-scheduler.ts'
import { SessionAdmission, type SessionAdmissionCounts } from './session-admission.ts'
import type { SessionLimits, SessionOrigin } from './session-context.ts'
import { type SessionCounts, createSessionCounts } from './session-counts.ts'
import type { SessionFacts } from './session-facts.ts'
import { type CommonContext, type FeedSource, SessionFeed } from './session-feed.ts'
import { Session } from './session.ts'
import { perTransport, requireFit, type Transport, type TransportName } from './transport.ts'

export interface SessionsOptions {
  /** The first is for clients that name none. */
  readonly feeds: readonly [FeedSource, ...FeedSource[]]
  readonly limits: SessionLimits
  readonly quotas: NodeQuotas
  readonly revocations: Revocations
  readonly verify: (token: string) => Promise<Grant>
  /** Whether the node is short of memory, and accepts no further session; never, if left out. */
  readonly isShort?: () => boolean
  /** Called with a fault of the gateway. */
  readonly onFault?: (error: unknown) => void
  readonly clock?: Clock
  /** The numbers of sessions begin above this; 0 if left out. */
  readonly numbersAbove?: number
  /** Returns 0 to below 1. Decides when sessions are closed, and which ones. */
  readonly random?: () => number
}

/** Sessions in the order in which they began. */
export interface SessionPage {
  readonly sessions: readonly SessionFacts[]
  /** The `after` of the next page, where there is one. */
  readonly next?: number
}

export interface SessionQuery {
  /** Sessions with a higher number; from the first if left out. */
  readonly after?: number
  /** At most 1,000; 100 if left out. */
  readonly limit?: number
  /** Sessions of this user; of all users if left out. */
  readonly subject?: string
  /** Sessions of this transport; of all transports if left out. */
  readonly transport?: TransportName
  /** Sessions of this feed; of all feeds if left out. */
  readonly feed?: string
}

/** A connection that was just accepted, and the feed that its client asked for: the first if left out. */
export interface NewConnection extends Omit<SessionOrigin, 'number'> {
  readonly feed?: string
}

/** A share of the sessions that should connect elsewhere. */
export interface Rebalancing {
  /** 1 to 100. */
  readonly percent: number
  readonly withinMs: number
}

/** How often sessions are checked for tokens that expire and clients that take nothing. */
const checkMs = 500
/** Each costs a few messages. */
const closedPerTurn = 100
const maxPageLength = 1000
/** A session with less unsent is not ended to free memory: that would give little back. */
const minUnsentBytes = 65_536

/** All sessions of this process: their limits, their feeds, their end. */
export class Sessions {
  readonly feeds: FeedDirectory<SessionFeed>
  readonly counts: SessionCounts = createSessionCounts()
  /** The filters in use. */
  readonly filters: ActiveFilters
  readonly #options: SessionsOptions
  readonly #clock: Clock
  readonly #admission: SessionAdmission
  readonly #resumeLimits: ResumeLimits
  /** By number, in the order in which they began. */
  readonly #sessions = new Map<number, Session>()
  readonly #checks = new SlicedVisit(() => this.#sessions.values())
  readonly #closings = new SlicedQueue(closedPerTurn)
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #random: () => number
  /** Each ends a session that was told so. */
  readonly #endTimers = new Set<NodeJS.Timeout>()
  readonly #connections = perTransport(() => 0)
  #lastNumber: number
  #onEmpty: () => void = () => undefined

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#lastNumber = options.numbersAbove ?? 0
    const { isShort = () => false } = options
    this.#admission = new SessionAdmission({ quotas: options.quotas, isShort })
    this.#resumeLimits = new ResumeLimits({ ...options.limits, quotas: options.quotas })
    const { limits, verify, revocations, onFault = () => undefined } = options
    this.filters = new ActiveFilters(limits)
    const common: CommonContext = {
      filters: this.filters,
      limits,
      verify,
      onFault,
      counts: this.counts,
      clock: this.#clock,
      admission: this.#admission,
      resuming: { scheduler: new ReaderScheduler(), limits: this.#resumeLimits, isShort },
      isRevoked: grant => revocations.covers(grant),
      sessions: () => this.#sessions.values(),
    }
    const [first, ...others] = options.feeds
    this.feeds = new FeedDirectory([
      new SessionFeed(first, common),
      ...others.map(source => new SessionFeed(source, common)),
    ])
    this.#timers = [
      setInterval(() => this.beat(), options.limits.heartbeatMs),
      setInterval(() => this.#check(), checkMs),
    ]
  }

  get size(): number {
    return this.#sessions.size
  }

  /** How many there are, by transport. */
  get connections(): Readonly<Record<TransportName, number>> {
    return this.#connections
  }

  /** How many revocations are in force. */
  get revocations(): number {
    return this.#options.revocations.size
  }

  /** How sessions came to their slots. */
  get admissionCounts(): SessionAdmissionCounts {
    return this.#admission.counts
  }

  /** How resumes had to wait. */
  get resumeLimitCounts(): Readonly<ResumeLimitCounts> {
    return this.#resumeLimits.counts
  }

  /**
   * Begins a session on a connection that was just accepted. Call `remove` when the connection is gone.
   * Throws a `RangeError` for a feed that `feeds` does not have, and a `TransportUnfitError`.
   */
  open(transport: Transport, { feed: name, ...origin }: NewConnection): Session {
    const feed = this.feeds.find(name)
    if (feed === undefined) throw new RangeError(this.feeds.explainUnknown(name ?? ''))
    requireFit(transport.traits)
    const session = new Session(feed.context, transport, { ...origin, number: ++this.#lastNumber })
    this.#sessions.set(session.number, session)
    this.#connections[session.transportName]++
    return session
  }

  /** Removes a session whose connection is gone. */
  remove(session: Session): void {
    session.end('loss')
    if (this.#sessions.delete(session.number)) this.#connections[session.transportName]--
    if (this.#sessions.size === 0) this.#onEmpty()
  }

  /** Returns a page of the sessions. */
  list({ after = 0, limit = 100, subject, feed, transport }: SessionQuery = {}): SessionPage {
    const most = Math.min(limit, maxPageLength)
    const page: SessionFacts[] = []
    for (const [number, session] of this.#sessions) {
      if (number <= after || (subject !== undefined && session.subject !== subject)) continue
      if (feed !== undefined && session.feed.name !== feed) continue
      if (transport !== undefined && session.transportName !== transport) continue
      if (page.length === most) return { sessions: page, next: page.at(-1)?.number ?? after }
      page.push(session.facts)
    }
    return { sessions: page }
  }

  /**
   * Ends a session for the operator; its client should not come back. Returns false where there is no such
   * session.
   */
  end(number: number): boolean {
    const session = this.#sessions.get(number)
    if (session === undefined || session.state === 'ended') return false
    session.end('dismissal')
    return true
  }

  /**
   * Ends sessions whose clients do not take what they are sent, those with the most unsent bytes first, until
   * as many bytes or sessions as wanted are gone. Returns how many are.
   */
  relieve(wanted: SheddingAmount): SheddingAmount {
    const candidates = [...this.#sessions.values()]
      .map(session => ({ session, unsentBytes: session.unsentBytes }))
      .filter(({ session, unsentBytes }) => unsentBytes >= minUnsentBytes && session.state !== 'ended')
      .toSorted((one, other) => other.unsentBytes - one.unsentBytes)
    let sessions = 0
    let bytes = 0
    for (const { session, unsentBytes } of candidates) {
      if (sessions === wanted.sessions || bytes >= wanted.bytes) break
      session.end('relief')
      sessions++
      bytes += unsentBytes
    }
    return { sessions, bytes }
  }

  /**
   * Withdraws tokens: no further check accepts them, and the sessions under them end, some in each turn of
   * the event loop. Throws a `RevocationsFullError`.
   */
  revoke(request: RevocationRequest): { readonly revocation: Revocation; readonly sessions: number } {
    const revocation = this.#options.revocations.add(request)
    return { revocation, sessions: this.endRevoked() }
  }

  /** Ends the sessions under tokens that were withdrawn. Returns how many these are. */
  endRevoked(): number {
    let sessions = 0
    for (const session of this.#sessions.values()) {
      if (!session.isRevoked) continue
      sessions++
      this.#closings.enqueue(() => session.end('revocation'))
    }
    return sessions
  }

  /** Sends every authenticated session a heartbeat. */
  beat(): void {
    for (const feed of this.feeds) feed.beat()
  }

  /**
   * Tells every client to connect elsewhere, and closes each session at a random time within `withinMs`, so
   * that the other nodes do not get all clients at once. Resolves when all sessions are gone or the time is
   * over.
   */
  async drain(withinMs: number): Promise<void> {
    if (this.#sessions.size > 0) await this.#closeAll(withinMs)
    for (const timer of this.#timers) clearInterval(timer)
    for (const feed of this.feeds) feed.stop()
    this.#checks.stop()
  }

  /**
   * Closes a random share of the sessions as a drain does, so that a node that came back gets its share of
   * them. Returns how many sessions these are.
   */
  rebalance({ percent, withinMs }: Rebalancing): number {
    const candidates = [...this.#sessions.values()].filter(({ state }) => state !== 'ended')
    const count = Math.round((candidates.length * percent) / 100)
    for (let index = 0; index < count; index++) {
      const other = index + Math.floor(this.#random() * (candidates.length - index))
      const [session, former] = [candidates[other], candidates[index]]
      if (session === undefined || former === undefined) break
      candidates[other] = former
      this.#closings.enqueue(() => this.#closeWithin(session, withinMs))
    }
    return count
  }

  /** Tells a client when its session will be closed, at a random time, and closes it then. */
  #closeWithin(session: Session, withinMs: number): void {
    const reconnectInMs = Math.round(this.#random() * withinMs)
    session.announceShutdown(reconnectInMs)
    const timer = setTimeout(() => {
      this.#endTimers.delete(timer)
      this.#closings.enqueue(() => session.end('drain'))
    }, reconnectInMs)
    this.#endTimers.add(timer)
  }

  async #closeAll(withinMs: number): Promise<void> {
    const announcements = new SlicedVisit(() => this.#sessions.values())
    let timeout: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      // A drain may overtake another one, which ends with it then.
      const former = this.#onEmpty
      this.#onEmpty = () => {
        former()
        resolve()
      }
      timeout = setTimeout(resolve, withinMs + 1000)
      announcements.begin(session => this.#closeWithin(session, withinMs))
    })
    announcements.stop()
    clearTimeout(timeout)
    for (const timer of this.#endTimers) clearTimeout(timer)
    this.#endTimers.clear()
  }

  /**
   * Visiting every session costs less than timers of their own, of which there would be as many as sessions.
   */
  #check(): void {
    const nowMs = this.#clock.wall()
    const nowSteadyMs = this.#clock.steady()
    this.#checks.begin(session => {
      session.checkExpiry(nowMs)
      session.checkLag(nowSteadyMs)
    })
  }
}
