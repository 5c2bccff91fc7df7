import type { Grant } from '../auth/grant.ts'
import type { NumberedPosition } from '../fanout/feed.ts'
import type { History } from '../fanout/history.ts'
import { keyOf } from '../fanout/interest.ts'
import type { ResumeLimits } from '../limits/resume-limits.ts'
import type { Block } from '../wire/block.ts'
import type { WireForm } from '../wire/wire-form.ts'
import type { RequestedItems, SubscribeMessage, UnsubscribeMessage } from './client-message.ts'
import type { CursorPosition } from './cursor.ts'
import type { RequestFault, RequestId } from './error-message.ts'
import type { Pace } from './pace.ts'
import { type Lag, Reader, type ReaderOwner } from './reader.ts'
import type { ReaderCounts } from './reader-counts.ts'
import type { ReaderTurns } from './reader-turns.ts'
import { planResume, type ResumePlan } from './resume.ts'
import type { SessionParts } from './session-parts.ts'
import { SnapshotSender } from './snapshot-sender.ts'
import { entitledNames, firstUnentitled, resolve, Subscription } from './subscription.ts'

/** To whom is delivered: a session, which may end by whatever it takes. */
export interface Recipient {
  readonly form: WireForm
  /** Takes a frame. */
  write(block: Block): void
  /** Tells the client something. */
  send(message: object): void
  /** Ends the session by a fault that is not its client's. */
  fail(error: unknown): void
  /** Ends the session, for which there is no place. */
  refuse(fault: Omit<RequestFault, 'code'>): void
}

/** What all deliveries of a node have in common. */
export type DeliveryParts = Pick<SessionParts, 'feed' | 'clock' | 'limits' | 'resuming'>

export interface DeliveryOptions {
  readonly recipient: Recipient
  readonly pace: Pace
  readonly grant: Grant
}

/** A partition as clients are told of it. */
export function describePartition({ number, partition, epoch, offset }: NumberedPosition): object {
  return { number, topic: partition.topic, partition: partition.partition, epoch, position: offset }
}

/** How readers come to what they have not had. */
export interface Resuming {
  readonly history: History
  readonly turns: ReaderTurns
  /** What each user may use of the log. */
  readonly limits: ResumeLimits
  /** Whether the node is short of memory, and lets nobody resume. */
  readonly isShort: () => boolean
  readonly counts: ResumeCounts
  readonly readers: ReaderCounts
}

/** Resumes since start. */
export interface ResumeCounts {
  /** Everything that was missed was there. */
  whole: number
  /** Something was not: too old, or gone. */
  partial: number
  /** The log could not be read. */
  failed: number
  /** The node was short of memory. */
  refused: number
}

/** What an acknowledgement says beside the subscription. */
interface Acknowledgement {
  readonly id?: RequestId | undefined
  readonly positions: readonly NumberedPosition[]
  readonly recovered?: boolean
}

const stillPlanning = {
  code: 400,
  detail:
    'it is being looked up where the session goes on; wait for the acknowledgement of its first subscription',
} as const

/** What a session receives: what it subscribed to, as far as its token entitles, and snapshots of it. */
export class Delivery implements ReaderOwner {
  readonly #parts: DeliveryParts
  readonly #recipient: Recipient
  readonly #pace: Pace
  readonly #reader: Reader
  /** Values that are newer than where a reader behind is wait until it is live. Made when the first are asked for. */
  #snapshots: SnapshotSender | undefined
  /** Those of conflated channels need not. */
  #conflatedSnapshots: SnapshotSender | undefined
  #grant: Grant
  #subscription = Subscription.none
  /** Set while it is looked up where a session that was away goes on. */
  #planning: AbortController | undefined
  #isEnded = false

  constructor(parts: DeliveryParts, { recipient, pace, grant }: DeliveryOptions) {
    this.#parts = parts
    this.#recipient = recipient
    this.#pace = pace
    this.#grant = grant
    this.#reader = new Reader(parts, { owner: this, recipient, pace })
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

  /** Up to where its client has everything; `undefined` before it subscribed, and before it is known where it goes on. */
  get positions(): readonly NumberedPosition[] | undefined {
    return this.#planning === undefined && this.#subscription.size > 0 ? this.#reader.positions : undefined
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
    this.#acknowledge({ id, positions: this.#reader.positions })
    if (!isTold) this.#sendCurrent()
    if (snapshot) this.#sendSnapshot(items, id)
    return undefined
  }

  unsubscribe({ items, id }: UnsubscribeMessage): RequestFault | undefined {
    if (this.#planning !== undefined) return { ...stillPlanning, id }
    this.#follow(this.#subscription.without(items))
    this.#acknowledge({ id, positions: this.#reader.positions })
    return undefined
  }

  /** Goes on under another token: what it does not entitle to is left at once, and the client told what remains. */
  entitle(grant: Grant): void {
    const former = this.#subscription.interest(this.#grant)
    this.#grant = grant
    const { size } = this.#subscription
    this.#subscription = this.#subscription.under(grant)
    // The acknowledgement of a resume states it.
    if (this.#planning !== undefined) return
    this.#follow(this.#subscription)
    this.#snapshots?.restart()
    this.#conflatedSnapshots?.restart()
    if (size !== this.#subscription.size || keyOf(former) !== keyOf(this.#subscription.interest(grant)))
      this.#acknowledge({ positions: this.#reader.positions })
  }

  /** Nothing is delivered any more. */
  end(): void {
    this.#isEnded = true
    this.#planning?.abort()
    this.#reader.end()
    this.#snapshots?.end()
    this.#conflatedSnapshots?.end()
  }

  #faultOf(request: SubscribeMessage, wanted: Subscription): Omit<RequestFault, 'id'> | undefined {
    const { items, snapshot, cursor } = request
    if (cursor !== undefined && this.#subscription !== Subscription.none) {
      return { code: 400, detail: 'cursor: it goes into the first subscription of a session' }
    }
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
    const isFull = this.#snapshots?.isFull === true || this.#conflatedSnapshots?.isFull === true
    if (!snapshot || !isFull) return undefined
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
    this.#planning = planning
    planResume({ feed, history: resuming.history, cursor, grant: this.#grant })
      .then(plan => (planning.signal.aborted ? undefined : this.#begin(request, plan)))
      .catch((error: unknown) => {
        if (!planning.signal.aborted) this.failed(error)
      })
  }

  #begin({ items, id, snapshot }: SubscribeMessage, { starts, lost, isWhole }: ResumePlan): void {
    const { resuming } = this.#parts
    this.#planning = undefined
    resuming.counts[isWhole ? 'whole' : 'partial']++
    this.#reader.resume(starts, () => {
      this.#recipient.send({ T: 'resumed', ...(id === undefined ? {} : { id }) })
      // What is conflated goes on with its current value, whenever it was subscribed; so does everything of which something is missing.
      const named = [...items].filter(() => snapshot || !isWhole)
      const current = new Map([...named, ...this.#subscription.itemsOf('conflate')])
      if (current.size > 0) this.#sendSnapshot(current, id)
      this.caughtUp()
    })
    this.#follow(this.#subscription)
    this.#acknowledge({ id, positions: starts, recovered: isWhole })
    for (const extent of lost) this.#reader.lose(extent)
  }

  #acknowledge({ id, positions, recovered }: Acknowledgement): void {
    this.#recipient.send({
      T: 'subscription',
      ...(id === undefined ? {} : { id }),
      ...this.#subscription.describe(),
      ...(recovered === undefined ? {} : { recovered }),
      partitions: positions.map(describePartition),
    })
  }

  /** Current values of what is named, as soon as none of them is newer than what comes after it. */
  #sendSnapshot(items: RequestedItems, id: RequestId | undefined): void {
    if (this.#isEnded) return
    const isConflated = [...items.keys()].every(channel => this.#subscription.policy(channel) === 'conflate')
    const sender = isConflated
      ? (this.#conflatedSnapshots ??= this.#createSender(() => true))
      : (this.#snapshots ??= this.#createSender(() => this.isLive))
    sender.add(() => this.#snapshot(items, id))
  }

  #createSender(isTime: () => boolean): SnapshotSender {
    const pace = this.#pace
    return new SnapshotSender({
      pace,
      write: block => {
        pace.sent(block.framed().length)
        this.#recipient.write(block)
      },
      mayGoOn: () => {
        // No value is newer than what was written: it would come again, as an event.
        this.#parts.feed.flush()
        return isTime()
      },
    })
  }

  /** Current values of everything conflated. */
  #sendCurrent(): void {
    if (this.#conflatedSnapshots?.isFull !== true)
      this.#sendSnapshot(this.#subscription.itemsOf('conflate'), undefined)
  }

  #snapshot(items: RequestedItems, id: RequestId | undefined): Iterable<Block> {
    const { lookedBackToMs } = this.#parts.feed
    const head = {
      T: 'snapshot',
      ...(id === undefined ? {} : { id }),
      ...(lookedBackToMs === undefined ? {} : { since: new Date(lookedBackToMs).toISOString() }),
    }
    return this.#recipient.form.snapshot(head, this.#currentEvents(items, this.#grant))
  }

  *#currentEvents(items: RequestedItems, grant: Grant): Generator<Buffer, void> {
    for (const [channel, names] of items) {
      const seen = entitledNames(channel, names, grant)
      if (seen.size > 0) yield* this.#parts.feed.tape.snapshot(channel, resolve(seen, grant))
    }
  }
}
