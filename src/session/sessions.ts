import type { Grant } from '../auth/grant.ts'
import type { Revocation, RevocationRequest, Revocations } from '../auth/revocations.ts'
import type { Feed } from '../feed/feed.ts'
import type { History } from '../history/history.ts'
import type { SheddingAmount } from '../limits/memory-guard.ts'
import type { NodeQuotas } from '../limits/node-quotas.ts'
import { type ResumeLimitCounts, ResumeLimits } from '../limits/resume-limits.ts'
import { SlicedQueue } from '../limits/sliced-queue.ts'
import { SlicedVisit } from '../limits/sliced-visit.ts'
import { runsOf } from '../protocol/cursor.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import type { PreparedFrame } from '../wire/prepared-frame.ts'
import type { WireForm } from '../wire/wire-form.ts'
import { ReaderScheduler } from './catch-up/reader-scheduler.ts'
import { Heartbeat } from './heartbeat.ts'
import { SessionAdmission, type SessionAdmissionCounts } from './session-admission.ts'
import type {
  ResumeCounts,
  Resuming,
  SessionContext,
  SessionLimits,
  SessionOrigin,
} from './session-context.ts'
import {
  type ReaderCounts,
  type SessionCounts,
  createReaderCounts,
  createSessionCounts,
} from './session-counts.ts'
import type { SessionFacts } from './session-facts.ts'
import { Session } from './session.ts'
import type { Transport } from './transport.ts'

export interface SessionsOptions {
  readonly feed: Feed
  readonly limits: SessionLimits
  readonly quotas: NodeQuotas
  readonly revocations: Revocations
  readonly history: History
  readonly verify: (token: string) => Promise<Grant>
  /** Whether the node is short of memory, and takes no further session; never, if left out. */
  readonly isShort?: () => boolean
  /** Told of what went wrong with a client's message by a fault of ours. */
  readonly onFault?: (error: unknown) => void
  readonly clock?: Clock
  /** The numbers of its sessions are higher than this; 0 if left out. */
  readonly numbersAbove?: number
  /** From 0 to below 1: when a session is closed, and which ones are. */
  readonly random?: () => number
}

/** Some sessions, in the order in which they began. */
export interface SessionPage {
  readonly sessions: readonly SessionFacts[]
  /** Where there are more: what to ask for them with, as `after`. */
  readonly next?: number
}

export interface SessionQuery {
  /** Sessions with a higher number; from the first if left out. */
  readonly after?: number
  /** At most 1,000; 100 if left out. */
  readonly limit?: number
  /** Of one user. */
  readonly subject?: string
}

/** A share of the sessions that is to go elsewhere. */
export interface Rebalancing {
  /** 1 to 100. */
  readonly percent: number
  readonly withinMs: number
}

/** How often it is looked at whose token expires, and who takes nothing. */
const lookMs = 500
/** A closing costs a few messages. */
const closedPerTurn = 100
const longestPage = 1000
/** Who has less unsent is not ended for it: that would give little back. */
const leastUnsentBytes = 65_536

/** All sessions of this node: their limits, their common heartbeat, their end. */
export class Sessions {
  readonly counts: SessionCounts = createSessionCounts()
  readonly #options: SessionsOptions
  readonly #clock: Clock
  readonly #admission: SessionAdmission
  readonly #resumeLimits: ResumeLimits
  readonly #resuming: Resuming
  /** The same for all of them. */
  readonly #parts: SessionContext
  /** By number, in the order in which they began. */
  readonly #sessions = new Map<number, Session>()
  readonly #heartbeat: Heartbeat
  readonly #looks = new SlicedVisit(() => this.#sessions.values())
  readonly #closings = new SlicedQueue(closedPerTurn)
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #random: () => number
  /** Until sessions are closed that were told so. */
  readonly #farewells = new Set<NodeJS.Timeout>()
  #lastNumber: number
  #onEmpty: () => void = () => undefined

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#lastNumber = options.numbersAbove ?? 0
    options.feed.onPartition.add(position =>
      this.#tellAll({ T: 'partitions', partitions: runsOf([position]) }),
    )
    // Who is behind comes to it by reading.
    options.feed.onLost.add(({ number, from, to }) =>
      this.#tellAll({ T: 'lost', ranges: [[number, from, to]] }, session => session.isLevel),
    )
    const { isShort = () => false } = options
    this.#admission = new SessionAdmission({ quotas: options.quotas, isShort })
    this.#resumeLimits = new ResumeLimits({ ...options.limits, quotas: options.quotas })
    this.#resuming = {
      history: options.history,
      scheduler: new ReaderScheduler(),
      limits: this.#resumeLimits,
      isShort,
      counts: { whole: 0, partial: 0, failed: 0, refused: 0 },
      readers: createReaderCounts(),
    }
    const { feed, limits, verify, revocations, onFault = () => undefined } = options
    this.#parts = {
      feed,
      limits,
      verify,
      onFault,
      counts: this.counts,
      clock: this.#clock,
      admission: this.#admission,
      resuming: this.#resuming,
      isRevoked: grant => revocations.covers(grant),
    }
    this.#heartbeat = new Heartbeat({ feed, clock: this.#clock, sessions: () => this.#sessions.values() })
    this.#timers = [
      setInterval(() => this.beat(), options.limits.heartbeatMs),
      setInterval(() => this.#look(), lookMs),
    ]
  }

  get size(): number {
    return this.#sessions.size
  }

  /** How many revocations are in force. */
  get revocations(): number {
    return this.#options.revocations.size
  }

  /** How sessions came to their places. */
  get admissionCounts(): SessionAdmissionCounts {
    return this.#admission.counts
  }

  /** How sessions that were away came to what they had missed. */
  get resumeCounts(): Readonly<ResumeCounts> {
    return this.#resuming.counts
  }

  /** How they had to wait for that. */
  get resumeLimitCounts(): Readonly<ResumeLimitCounts> {
    return this.#resumeLimits.counts
  }

  /** What sessions that are behind do. */
  get readerCounts(): ReaderCounts {
    return this.#resuming.readers
  }

  /** Begins a session on a connection that was just accepted; to be told when the connection is `gone`. */
  open(transport: Transport, origin: Omit<SessionOrigin, 'number'>): Session {
    const session = new Session(this.#parts, transport, { ...origin, number: ++this.#lastNumber })
    this.#sessions.set(session.number, session)
    return session
  }

  /** The connection of a session is gone. */
  gone(session: Session): void {
    session.end('loss')
    this.#sessions.delete(session.number)
    if (this.#sessions.size === 0) this.#onEmpty()
  }

  /** A page of what there is to know of each session. */
  list({ after = 0, limit = 100, subject }: SessionQuery = {}): SessionPage {
    const most = Math.min(limit, longestPage)
    const page: SessionFacts[] = []
    for (const [number, session] of this.#sessions) {
      if (number <= after || (subject !== undefined && session.subject !== subject)) continue
      if (page.length === most) return { sessions: page, next: page.at(-1)?.number ?? after }
      page.push(session.facts)
    }
    return { sessions: page }
  }

  /** Ends a session as its operator wishes, and its client is not to come back; false where there is none of this number. */
  end(number: number): boolean {
    const session = this.#sessions.get(number)
    if (session === undefined || session.state === 'ended') return false
    session.end('dismissal')
    return true
  }

  /**
   * Ends sessions whose clients do not take what they are sent, until so many unsent bytes go with them: those with the most first,
   * and at most so many sessions. What it came to.
   */
  relieve(wanted: SheddingAmount): SheddingAmount {
    const laden = [...this.#sessions.values()]
      .map(session => ({ session, unsentBytes: session.unsentBytes }))
      .filter(({ session, unsentBytes }) => unsentBytes >= leastUnsentBytes && session.state !== 'ended')
      .toSorted((one, other) => other.unsentBytes - one.unsentBytes)
    let sessions = 0
    let bytes = 0
    for (const { session, unsentBytes } of laden) {
      if (sessions === wanted.sessions || bytes >= wanted.bytes) break
      session.end('relief')
      sessions++
      bytes += unsentBytes
    }
    return { sessions, bytes }
  }

  /**
   * Withdraws tokens: no further check takes them, and the sessions under them end, of many some in each turn of the event loop.
   * Throws a `RevocationsFullError`.
   */
  revoke(request: RevocationRequest): { readonly revocation: Revocation; readonly sessions: number } {
    const revocation = this.#options.revocations.add(request)
    return { revocation, sessions: this.endRevoked() }
  }

  /** Ends the sessions under tokens that are withdrawn; how many these are. */
  endRevoked(): number {
    let sessions = 0
    for (const session of this.#sessions.values()) {
      if (!session.isRevoked) continue
      sessions++
      this.#closings.enqueue(() => session.end('revocation'))
    }
    return sessions
  }

  /** Sends every live session one and the same heartbeat. */
  beat(): void {
    this.#heartbeat.beat()
  }

  /**
   * Tells every client to connect elsewhere and closes the sessions one by one, each at a random time within `withinMs`, so that the
   * other nodes are not stormed. Resolves when all are gone or the time is over.
   */
  async drain(withinMs: number): Promise<void> {
    if (this.#sessions.size > 0) await this.#closeAll(withinMs)
    for (const timer of this.#timers) clearInterval(timer)
    this.#heartbeat.stop()
    this.#looks.stop()
  }

  /**
   * Closes a share of the sessions, drawn at random, as a drain does: each is told, and closed at a random time within `withinMs`, so
   * that a node that came back gets its share of them. Returns how many these are.
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

  /** Tells a session when it will be closed, a random time away, and closes it then. */
  #closeWithin(session: Session, withinMs: number): void {
    const reconnectInMs = Math.round(this.#random() * withinMs)
    session.announceShutdown(reconnectInMs)
    const timer = setTimeout(() => {
      this.#farewells.delete(timer)
      this.#closings.enqueue(() => session.end('drain'))
    }, reconnectInMs)
    this.#farewells.add(timer)
  }

  async #closeAll(withinMs: number): Promise<void> {
    const farewells = new SlicedVisit(() => this.#sessions.values())
    let timeout: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      // A drain may overtake another one, which then ends with it.
      const former = this.#onEmpty
      this.#onEmpty = () => {
        former()
        resolve()
      }
      timeout = setTimeout(resolve, withinMs + 1000)
      farewells.begin(session => this.#closeWithin(session, withinMs))
    })
    farewells.stop()
    clearTimeout(timeout)
    for (const timer of this.#farewells) clearTimeout(timer)
    this.#farewells.clear()
  }

  /** Tells everyone who is live, before the next event. */
  #tellAll(message: object, isFor: (session: Session) => boolean = () => true): void {
    const blocks = new Map<WireForm, PreparedFrame>()
    for (const session of this.#sessions.values()) {
      if (!isFor(session)) continue
      const { form } = session
      const block = blocks.get(form) ?? form.message(message)
      blocks.set(form, block)
      session.announce(block)
    }
  }

  /** A look at every session costs less than timers of their own, which would be as many as there are sessions. */
  #look(): void {
    const nowMs = this.#clock.wall()
    const steadyMs = this.#clock.steady()
    this.#looks.begin(session => {
      session.lookAtExpiry(nowMs)
      session.lookAtLag(steadyMs)
    })
  }
}
