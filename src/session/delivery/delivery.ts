import type { Grant } from '../../auth/grant.ts'
import type { FilterShortage } from '../../feed/active-filters.ts'
import type { RequestedItems, SubscribeCommand, UnsubscribeCommand } from '../../protocol/command.ts'
import type { CursorPosition, MovedPositions } from '../../protocol/positions.ts'
import type { RequestFault, RequestId } from '../../protocol/request-fault.ts'
import type { Lag } from '../catch-up/behind.ts'
import { type ResumePlan, unknownTopicFault } from '../catch-up/resume-plan.ts'
import type { DeliveryContext, Recipient } from '../session-context.ts'
import type { FlowControl } from './flow-control.ts'
import { Reader, type ReaderOwner } from './reader.ts'
import type { ReaderStateName } from './reader-steps.ts'
import { Snapshots } from './snapshots.ts'
import { firstUnentitled, Subscription } from './subscription.ts'

export interface DeliveryOptions {
  readonly recipient: Recipient
  readonly flowControl: FlowControl
  readonly grant: Grant
}

const stillPlanning = {
  code: 400,
  detail:
    'the gateway is still looking up where the session goes on; ' +
    'wait for the acknowledgement of its first subscription',
} as const

/**
 * What a session receives: what the client subscribed to, as far as its token entitles it, and snapshots of
 * that.
 */
export class Delivery implements ReaderOwner {
  readonly #context: DeliveryContext
  readonly #recipient: Recipient
  readonly #flowControl: FlowControl
  readonly #reader: Reader
  /** Made when the first is asked for. */
  #snapshots: Snapshots | undefined
  #grant: Grant
  #subscription = Subscription.none
  #isEnded = false
  /**
   * The feed's moves at the time of which the client knows all positions; `Infinity` before the first
   * acknowledgement.
   */
  #announcedMoves = Number.POSITIVE_INFINITY

  constructor(context: DeliveryContext, { recipient, flowControl, grant }: DeliveryOptions) {
    this.#context = context
    this.#recipient = recipient
    this.#flowControl = flowControl
    this.#grant = grant
    this.#reader = new Reader(context, { owner: this, recipient, flowControl })
  }

  /** The user. */
  get subject(): string {
    return this.#grant.subject
  }

  /** How many items are subscribed. */
  get size(): number {
    return this.#subscription.size
  }

  get readerState(): ReaderStateName {
    return this.#reader.state
  }

  /** Whether the session is where the feed is. */
  get isLive(): boolean {
    return this.readerState === 'live'
  }

  /**
   * The feed's moves at the time of which the client knows all positions; `Infinity` before the first
   * acknowledgement.
   */
  get announcedMoves(): number {
    return this.#announcedMoves
  }

  /** Notes that the client knows all positions of a time at which it had everything before them. */
  announced(moves: number): void {
    if (this.#announcedMoves < moves) this.#announcedMoves = moves
  }

  /**
   * Returns the positions that have changed since the client was told, and counts them as told. `undefined`
   * before the first acknowledgement and while the reader is behind: the client's positions are then those of
   * what it was sent.
   */
  announceMoved(): MovedPositions | undefined {
    if (this.#announcedMoves === Number.POSITIVE_INFINITY) return undefined
    const { feed } = this.#context
    // The reader may fall behind by this flush.
    feed.flush()
    if (!this.isLive) return undefined
    const moved = feed.movedSince(this.#announcedMoves)
    this.#announcedMoves = feed.moves
    return moved
  }

  /** How far the reader is behind at a time on the steady clock; `undefined` where it is live. */
  lagAt(nowMs: number): Lag | undefined {
    return this.#reader.lagAt(nowMs)
  }

  /** Tells a client that is behind what it does not get of partitions that have begun or ended. */
  noticePartitions(): void {
    this.#reader.noticePartitions()
  }

  failed(error: unknown): void {
    this.#context.resuming.counts.failed++
    this.#recipient.fail(error)
  }

  skipped(): void {
    this.#sendCurrent()
  }

  caughtUp(): void {
    // The coverage that the client was sent last goes as far as the feed.
    this.announced(this.#context.feed.moves)
    this.#snapshots?.resume()
  }

  /** Fulfils a request as a whole, or returns why not. */
  subscribe(request: SubscribeCommand): RequestFault | undefined {
    const { id, cursor, snapshot, items } = request
    const changed = this.#subscription.with(request)
    const fault = this.readerState === 'planning' ? stillPlanning : this.#faultOf(request, changed)
    if (fault !== undefined) return { ...fault, id }
    if (cursor !== undefined && this.#context.resuming.isShort()) return this.#refuseResume(id)
    const wanted = this.#withFilters(changed, request)
    if (typeof wanted === 'string') return { code: 405, detail: this.#filtersFault(wanted), id }
    if (cursor !== undefined) {
      this.#subscription = wanted
      this.#resume(request, cursor)
      return undefined
    }
    const former = this.#subscription
    const isDelivered = this.#select(wanted)
    this.#acknowledge(id)
    // What has not been sent yet is to be what passes now.
    if (!wanted.hasFiltersOf(former)) this.#snapshots?.restart()
    if (!isDelivered) this.#sendCurrent()
    if (snapshot) this.#sendSnapshot(items, id)
    return undefined
  }

  unsubscribe({ items, id }: UnsubscribeCommand): RequestFault | undefined {
    if (this.readerState === 'planning') return { ...stillPlanning, id }
    this.#select(this.#subscription.without(items))
    this.#acknowledge(id)
    return undefined
  }

  /**
   * Goes on under another token: stops at once what that does not allow, and tells the client what
   * remains.
   */
  entitle(grant: Grant): void {
    const former = this.#subscription.selection(this.#grant)
    this.#grant = grant
    const { size } = this.#subscription
    this.#subscription = this.#subscription.under(grant)
    // The acknowledgement of a resume will state it.
    if (this.readerState === 'planning') return
    this.#select(this.#subscription)
    this.#snapshots?.restart()
    const isSame = former.key === this.#subscription.selection(grant).key
    if (size !== this.#subscription.size || !isSame) this.#acknowledge(undefined)
  }

  /** Delivers nothing any more. */
  end(): void {
    this.#isEnded = true
    this.#reader.end()
    this.#snapshots?.end()
    this.#context.filters.release(this.#subscription.filters, this.subject)
  }

  #faultOf(request: SubscribeCommand, wanted: Subscription): Omit<RequestFault, 'id'> | undefined {
    const { items, snapshot, cursor } = request
    if (cursor !== undefined && this.#subscription !== Subscription.none) {
      return { code: 400, detail: 'cursor: it goes into the first subscription of a session' }
    }
    const topicFault = cursor && unknownTopicFault(this.#context.feed, cursor)
    if (topicFault !== undefined) return { code: 400, detail: topicFault }
    const item = firstUnentitled(items, this.#grant)
    if (item !== undefined) {
      return {
        code: 409,
        detail: `${item}: the token does not allow it; nothing of the request was subscribed`,
      }
    }
    const fault = wanted.intervalFault(request)
    if (fault !== undefined) return { code: 400, detail: fault }
    const maxItems = this.#context.limits.maxItemsPerSession
    if (wanted.size > maxItems) {
      return {
        code: 405,
        detail: `${wanted.size} items; at most ${maxItems} a session; nothing of the request was subscribed`,
      }
    }
    if (!snapshot || this.#snapshots?.isFull !== true) return undefined
    return { code: 400, detail: 'too many snapshots are on their way; wait for one to be complete' }
  }

  /**
   * Returns the subscription with the filters that a request states, in use from now on in place of the
   * former ones. If there are too many of them, returns whose: then nothing has changed.
   */
  #withFilters(subscription: Subscription, { where }: SubscribeCommand): Subscription | FilterShortage {
    if (where.size === 0) return subscription
    const wanted = subscription.filtersAfter(where)
    const filters = this.#context.filters.exchange(subscription.filters, wanted, this.subject)
    return typeof filters === 'string' ? filters : subscription.withFilters(filters)
  }

  #filtersFault(shortage: FilterShortage): string {
    const { maxFilters, maxFiltersPerUser } = this.#context.filters
    const [most, whose] = shortage === 'user' ? [maxFiltersPerUser, 'a user'] : [maxFilters, 'all users']
    return (
      `where: too many different filters; at most ${most} of ${whose} are in use on this node at a time; ` +
      'nothing of the request was subscribed'
    )
  }

  #select(subscription: Subscription): boolean {
    this.#subscription = subscription
    return this.#reader.select(subscription.selections(this.#grant))
  }

  /**
   * The cursor is good later, and on other nodes. Served in part now, the client would lose for good what it
   * can have then.
   */
  #refuseResume(id: RequestId | undefined): undefined {
    this.#context.resuming.counts.refused++
    this.#recipient.refuse({
      detail: 'this node is short of memory; resume with the same cursor on another one, or after a while',
      id,
    })
  }

  /** Delivers what was missed since a cursor, then what comes. */
  #resume({ items, id, snapshot }: SubscribeCommand, cursor: readonly CursorPosition[]): void {
    let isWhole = false
    this.#reader.resume(
      { cursor, grant: this.#grant },
      {
        refused: fault => {
          // The client may ask again, with another cursor or without one.
          this.#context.filters.release(this.#subscription.filters, this.subject)
          this.#subscription = Subscription.none
          this.#recipient.sendError({ code: 400, detail: fault, id })
        },
        planned: plan => {
          isWhole = plan.isWhole
          this.#begin(plan, id)
        },
        live: () => {
          // The log may have lacked more than could be known before.
          const recovered = isWhole && !this.#reader.hasLost
          this.#recipient.send({ kind: 'resumed', id, recovered })
          // Current values of everything conflated, whenever it was subscribed, and of everything of which
          // something is missing.
          const named = [...items].filter(() => snapshot || !recovered)
          const current = new Map([...named, ...this.#subscription.itemsOf('conflate')])
          if (current.size > 0) this.#sendSnapshot(current, id)
          this.caughtUp()
        },
      },
    )
  }

  #begin({ lost, isWhole }: ResumePlan, id: RequestId | undefined): void {
    this.#context.resuming.counts[isWhole ? 'whole' : 'partial']++
    this.#select(this.#subscription)
    this.#acknowledge(id, isWhole)
    for (const range of lost) this.#reader.lose(range)
  }

  #acknowledge(id: RequestId | undefined, recovered?: boolean): void {
    const { feed } = this.#context
    // The reader may fall behind by this flush.
    feed.flush()
    const moved = this.announceMoved()
    // All positions at first, and while the reader is behind: what is subscribed then is delivered from where
    // the reader is.
    const positions = moved === undefined ? { all: this.#reader.positions } : { moved }
    const isFirst = this.#announcedMoves === Number.POSITIVE_INFINITY
    if (isFirst) this.#announcedMoves = feed.moves
    const subscription = this.#subscription.describe()
    this.#recipient.send({ kind: 'subscription', id, subscription, recovered, positions })
    if (isFirst) this.#recipient.acknowledged()
  }

  #sendSnapshot(items: RequestedItems, id: RequestId | undefined): void {
    if (!this.#isEnded) this.#getSnapshots().send(items, id)
  }

  #sendCurrent(): void {
    if (!this.#isEnded) this.#getSnapshots().sendConflated()
  }

  #getSnapshots(): Snapshots {
    return (this.#snapshots ??= new Snapshots({
      feed: this.#context.feed,
      clock: this.#context.clock,
      recipient: this.#recipient,
      flowControl: this.#flowControl,
      grant: () => this.#grant,
      subscription: () => this.#subscription,
      isLive: () => this.isLive,
    }))
  }
}
