import type { Grant } from '../../auth/grant.ts'
import { selectionKey } from '../../feed/selection.ts'
import type { RequestedItems, SubscribeMessage, UnsubscribeMessage } from '../../protocol/client-message.ts'
import { type CursorPosition, runsOf } from '../../protocol/cursor.ts'
import type { RequestFault, RequestId } from '../../protocol/error-message.ts'
import { type CursorFault, type ResumePlan, planResume, unknownTopicFault } from '../catch-up/resume-plan.ts'
import type { DeliveryContext, Recipient } from '../session-context.ts'
import type { FlowControl } from './flow-control.ts'
import { type Lag, Reader, type ReaderOwner } from './reader.ts'
import { Snapshots } from './snapshots.ts'
import { Subscription, firstUnentitled } from './subscription.ts'

export interface DeliveryOptions {
  readonly recipient: Recipient
  readonly flowControl: FlowControl
  readonly grant: Grant
}

/** What an acknowledgement says beside the subscription. */
interface Acknowledgement {
  readonly id?: RequestId | undefined
  readonly recovered?: boolean
}

const stillPlanning = {
  code: 400,
  detail:
    'it is being looked up where the session goes on; wait for the acknowledgement of its first subscription',
} as const

/** What a session receives: what it subscribed to, as far as its token entitles, and snapshots of it. */
export class Delivery implements ReaderOwner {
  readonly #parts: DeliveryContext
  readonly #recipient: Recipient
  readonly #flowControl: FlowControl
  readonly #reader: Reader
  /** Made when the first is asked for. */
  #snapshots: Snapshots | undefined
  #grant: Grant
  #subscription = Subscription.none
  /** Set while it is looked up where a session that was away goes on. */
  #planning: AbortController | undefined
  #isEnded = false
  /** Up to which of the feed's moves its client was told of positions; `Infinity` before the first acknowledgement. */
  #toldMoves = Number.POSITIVE_INFINITY

  constructor(parts: DeliveryContext, { recipient, flowControl, grant }: DeliveryOptions) {
    this.#parts = parts
    this.#recipient = recipient
    this.#flowControl = flowControl
    this.#grant = grant
    this.#reader = new Reader(parts, { owner: this, recipient, flowControl })
  }

  /** The user. */
  get subject(): string {
    return this.#grant.subject
  }

  /** How many items are subscribed. */
  get size(): number {
    return this.#subscription.size
  }

  /** Whether the session is where the feed is. */
  get isLive(): boolean {
    return this.#planning === undefined && this.#reader.isLive
  }

  /** Up to which of the feed's moves its client was told of positions; `Infinity` before the first acknowledgement. */
  get toldMoves(): number {
    return this.#toldMoves
  }

  /** Its client was told of the positions of a moment at which it had everything before them. */
  told(moves: number): void {
    if (this.#toldMoves < moves) this.#toldMoves = moves
  }

  /**
   * The positions of partitions that were read further since its client was told, as told now; `undefined` before the first
   * acknowledgement and while it is behind: then its positions are those of what it was sent.
   */
  takeUntold(): readonly [number: number, position: number][] | undefined {
    if (this.#toldMoves === Number.POSITIVE_INFINITY) return undefined
    const { feed } = this.#parts
    // First, for what is written thereby may be more than its client takes.
    feed.flush()
    const moved = feed.movedSince(this.#toldMoves)
    if (!this.isLive) return undefined
    this.#toldMoves = feed.moves
    return moved
  }

  /** How far it is behind at a time on the steady clock; `undefined` when it is not. */
  lagAt(nowMs: number): Lag | undefined {
    return this.#reader.lagAt(nowMs)
  }

  /** Partitions have begun or ended: tells its client what it does not get of these. */
  noticePartitions(): void {
    this.#reader.noticePartitions()
  }

  /** The log could not be read for it. */
  failed(error: unknown): void {
    this.#parts.resuming.counts.failed++
    this.#recipient.fail(error)
  }

  /** Sends the current values of the conflated channels: what was to be replaced has left the memory. */
  skipped(): void {
    this.#sendCurrent()
  }

  /** It had fallen behind, and is live again. */
  caughtUp(): void {
    // The coverage that it was sent last goes as far as the feed.
    this.told(this.#parts.feed.moves)
    this.#snapshots?.resume()
  }

  /** Takes a request whole, or refuses it for a fault. */
  subscribe(request: SubscribeMessage): RequestFault | undefined {
    const { id, cursor, snapshot, items } = request
    const wanted = this.#subscription.with(request)
    const fault = this.#planning === undefined ? this.#faultOf(request, wanted) : stillPlanning
    if (fault !== undefined) return { ...fault, id }
    if (cursor !== undefined) {
      if (this.#parts.resuming.isShort()) return this.#refuseResume(id)
      this.#subscription = wanted
      this.#resume(request, cursor)
      return undefined
    }
    const isTold = this.#follow(wanted)
    this.#acknowledge({ id })
    if (!isTold) this.#sendCurrent()
    if (snapshot) this.#sendSnapshot(items, id)
    return undefined
  }

  unsubscribe({ items, id }: UnsubscribeMessage): RequestFault | undefined {
    if (this.#planning !== undefined) return { ...stillPlanning, id }
    this.#follow(this.#subscription.without(items))
    this.#acknowledge({ id })
    return undefined
  }

  /** Goes on under another token: what it does not entitle to is left at once, and the client told what remains. */
  entitle(grant: Grant): void {
    const former = this.#subscription.selection(this.#grant)
    this.#grant = grant
    const { size } = this.#subscription
    this.#subscription = this.#subscription.under(grant)
    // The acknowledgement of a resume states it.
    if (this.#planning !== undefined) return
    this.#follow(this.#subscription)
    this.#snapshots?.restart()
    if (
      size !== this.#subscription.size ||
      selectionKey(former) !== selectionKey(this.#subscription.selection(grant))
    )
      this.#acknowledge({})
  }

  /** Nothing is delivered any more. */
  end(): void {
    this.#isEnded = true
    this.#planning?.abort()
    this.#reader.end()
    this.#snapshots?.end()
  }

  #faultOf(request: SubscribeMessage, wanted: Subscription): Omit<RequestFault, 'id'> | undefined {
    const { items, snapshot, cursor } = request
    if (cursor !== undefined && this.#subscription !== Subscription.none) {
      return { code: 400, detail: 'cursor: it goes into the first subscription of a session' }
    }
    const topicFault = cursor && unknownTopicFault(this.#parts.feed, cursor)
    if (topicFault !== undefined) return { code: 400, detail: topicFault }
    const item = firstUnentitled(items, this.#grant)
    if (item !== undefined) {
      return {
        code: 409,
        detail: `${item}: the token does not entitle to it; nothing of the request was subscribed`,
      }
    }
    const fault = wanted.intervalFault(request)
    if (fault !== undefined) return { code: 400, detail: fault }
    const maxItems = this.#parts.limits.maxItemsPerSession
    if (wanted.size > maxItems) {
      return {
        code: 405,
        detail: `${wanted.size} items; at most ${maxItems} a session; nothing of the request was subscribed`,
      }
    }
    if (!snapshot || this.#snapshots?.isFull !== true) return undefined
    return { code: 400, detail: 'too many snapshots are on their way; wait for one to be complete' }
  }

  #follow(subscription: Subscription): boolean {
    this.#subscription = subscription
    return this.#reader.follow({
      live: subscription.liveInterest(this.#grant),
      intervals: subscription.intervalInterests(this.#grant),
      every: subscription.interestOf('every', this.#grant),
      conflated: subscription.interestOf('conflate', this.#grant),
    })
  }

  /** Its cursor is good later, and on other nodes: served in part now, it would lose for good what it can have then. */
  #refuseResume(id: RequestId | undefined): undefined {
    this.#parts.resuming.counts.refused++
    this.#recipient.refuse({
      detail: 'this node is short of memory; resume with the same cursor on another one, or after a while',
      id,
    })
  }

  /** Delivers what was missed since a cursor, then what comes. */
  #resume(request: SubscribeMessage, cursor: readonly CursorPosition[]): void {
    const { resuming, feed } = this.#parts
    const planning = new AbortController()
    const { signal } = planning
    this.#planning = planning
    planResume({ feed, history: resuming.history, cursor, grant: this.#grant, signal })
      .then(plan => (signal.aborted ? undefined : this.#answer(request, plan)))
      .catch((error: unknown) => {
        if (!signal.aborted) this.failed(error)
      })
  }

  #answer(request: SubscribeMessage, plan: ResumePlan | CursorFault): void {
    this.#planning = undefined
    if (!('fault' in plan)) return this.#begin(request, plan)
    // Nothing was subscribed: the client may ask again, with another cursor or without one.
    this.#subscription = Subscription.none
    this.#recipient.tell({ code: 400, detail: plan.fault, id: request.id })
  }

  #begin({ items, id, snapshot }: SubscribeMessage, { starts, lost, isWhole }: ResumePlan): void {
    const { resuming } = this.#parts
    resuming.counts[isWhole ? 'whole' : 'partial']++
    this.#reader.resume(starts, () => {
      // The log may have turned out to lack more than could be known before.
      const recovered = isWhole && !this.#reader.hasLost
      this.#recipient.send({ T: 'resumed', ...(id === undefined ? {} : { id }), recovered })
      // What is conflated goes on with its current value, whenever it was subscribed; so does everything of which something is missing.
      const named = [...items].filter(() => snapshot || !recovered)
      const current = new Map([...named, ...this.#subscription.itemsOf('conflate')])
      if (current.size > 0) this.#sendSnapshot(current, id)
      this.caughtUp()
    })
    this.#follow(this.#subscription)
    this.#acknowledge({ id, recovered: isWhole })
    for (const extent of lost) this.#reader.lose(extent)
  }

  #acknowledge({ id, recovered }: Acknowledgement): void {
    const positions = this.takeUntold()
    // All of them at first, and while it is behind, for what it asks for is delivered from where it is.
    const where = positions === undefined ? { partitions: runsOf(this.#reader.positions) } : { positions }
    if (this.#toldMoves === Number.POSITIVE_INFINITY) this.#toldMoves = this.#parts.feed.moves
    this.#recipient.send({
      T: 'subscription',
      ...(id === undefined ? {} : { id }),
      ...this.#subscription.describe(),
      ...(recovered === undefined ? {} : { recovered }),
      ...where,
    })
  }

  #sendSnapshot(items: RequestedItems, id: RequestId | undefined): void {
    if (!this.#isEnded) this.#getSnapshots().send(items, id)
  }

  #sendCurrent(): void {
    if (!this.#isEnded) this.#getSnapshots().sendConflated()
  }

  #getSnapshots(): Snapshots {
    return (this.#snapshots ??= new Snapshots({
      feed: this.#parts.feed,
      clock: this.#parts.clock,
      recipient: this.#recipient,
      flowControl: this.#flowControl,
      grant: () => this.#grant,
      subscription: () => this.#subscription,
      isLive: () => this.isLive,
    }))
  }
}
