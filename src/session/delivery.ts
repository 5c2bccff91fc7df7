import type { Grant } from '../auth/grant.ts'
import type { Audience, Subscriber } from '../fanout/audience.ts'
import type { Feed, NumberedPosition } from '../fanout/feed.ts'
import type { Block } from '../wire/block.ts'
import type { History } from '../fanout/history.ts'
import { CatchUp } from './catch-up.ts'
import type { RequestedItems, SubscribeMessage, UnsubscribeMessage } from './client-message.ts'
import type { CursorPosition } from './cursor.ts'
import type { RequestFault, RequestId } from './error-message.ts'
import { planResume } from './resume.ts'
import { SnapshotSender } from './snapshot-sender.ts'
import { entitledNames, firstUnentitled, resolve, Subscription } from './subscription.ts'
import type { Transport } from './transport.ts'

export interface DeliveryParts {
  readonly feed: Feed
  readonly transport: Transport
  readonly maxItems: number
  /** The session, which receives what is delivered. */
  readonly subscriber: Subscriber
  /** Tells the client something; the session, and this with it, may end thereby. */
  readonly tell: (message: object) => void
  /** Ends the session by a fault that is not its client's. */
  readonly fail: (error: unknown) => void
  readonly resuming: Resuming
}

/** A partition as clients are told of it. */
export function describePartition({ number, partition, epoch, offset }: NumberedPosition): object {
  return { number, topic: partition.topic, partition: partition.partition, epoch, position: offset }
}

/** How sessions that were away come to what they missed. */
export interface Resuming {
  readonly history: History
  /** Lets a few of them read the log at a time. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>
  readonly counts: ResumeCounts
}

/** Resumes since start; `underWay` now. */
export interface ResumeCounts {
  /** Everything that was missed was there. */
  whole: number
  /** Something was not: too old, or gone. */
  partial: number
  /** The log could not be read. */
  failed: number
  underWay: number
}

interface Acknowledgement {
  /** Those that the session is at; those of the feed; none while it catches up. */
  readonly positions: readonly NumberedPosition[] | 'live' | undefined
  readonly recovered?: boolean
}

const stillCatchingUp = {
  code: 400,
  detail: 'the session is still catching up; wait for "resumed"',
} as const

/** What a live session receives: what it subscribed to, as far as its token entitles, and snapshots of it. */
export class Delivery {
  readonly #parts: DeliveryParts
  readonly #snapshots: SnapshotSender
  #grant: Grant
  #subscription = Subscription.none
  #audience: Audience | undefined
  /** Set while what was missed is being delivered, before the session is live. */
  #catchingUp: AbortController | undefined
  /** Counts the tokens that it was under. */
  #entitlement = 0
  #isEnded = false

  constructor(parts: DeliveryParts, grant: Grant) {
    this.#parts = parts
    this.#grant = grant
    this.#snapshots = new SnapshotSender(parts.transport, block => parts.subscriber.deliver(block))
  }

  /** How many items are subscribed. */
  get size(): number {
    return this.#subscription.size
  }

  /** Takes a request whole, or refuses it for a fault. */
  subscribe(request: SubscribeMessage): RequestFault | undefined {
    const wanted = this.#subscription.with(request)
    const fault = this.#catchingUp === undefined ? this.#faultOf(request, wanted) : stillCatchingUp
    if (fault !== undefined) return { ...fault, id: request.id }
    if (request.cursor !== undefined) {
      this.#subscription = wanted
      this.#resume(request, request.cursor)
      return undefined
    }
    this.#follow(wanted)
    this.#acknowledge(request.id)
    if (request.snapshot && !this.#isEnded) this.#snapshots.add(() => this.#snapshot(request, request.items))
    return undefined
  }

  unsubscribe(request: UnsubscribeMessage): RequestFault | undefined {
    if (this.#catchingUp !== undefined) return { ...stillCatchingUp, id: request.id }
    this.#follow(this.#subscription.without(request.items))
    this.#acknowledge(request.id)
    return undefined
  }

  /** Whether the session is where the feed is. */
  get isLive(): boolean {
    return this.#catchingUp === undefined
  }

  /** Goes on under another token: what it does not entitle to is left at once, and the client told what remains. */
  entitle(grant: Grant): void {
    const { size } = this.#subscription
    this.#grant = grant
    this.#entitlement++
    if (this.#catchingUp !== undefined) {
      this.#subscription = this.#subscription.under(grant)
      if (size !== this.#subscription.size) this.#acknowledge(undefined, { positions: undefined })
      return
    }
    const former = this.#audience
    this.#follow(this.#subscription.under(grant))
    this.#snapshots.restart()
    if (former !== this.#audience || size !== this.#subscription.size) this.#acknowledge(undefined)
  }

  /** Nothing is delivered any more. */
  end(): void {
    this.#isEnded = true
    this.#catchingUp?.abort()
    this.#snapshots.end()
    if (this.#audience !== undefined) this.#parts.feed.fanout.leave(this.#parts.subscriber, this.#audience)
    this.#audience = undefined
  }

  #faultOf(
    { items, snapshot, cursor }: SubscribeMessage,
    wanted: Subscription,
  ): Omit<RequestFault, 'id'> | undefined {
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
    const { maxItems } = this.#parts
    if (wanted.size > maxItems) {
      return {
        code: 405,
        detail: `${wanted.size} items; at most ${maxItems} a session; nothing of the request was subscribed`,
      }
    }
    if (!snapshot || !this.#snapshots.isFull) return undefined
    return { code: 400, detail: 'too many snapshots are on their way; wait for one to be complete' }
  }

  /** Changes audiences between two batches, so that the positions told with it are exact. */
  #follow(subscription: Subscription): void {
    const { feed, subscriber, transport } = this.#parts
    this.#subscription = subscription
    const former = this.#audience
    const interest = subscription.interest(this.#grant)
    this.#audience = interest.size > 0 ? feed.fanout.join(subscriber, interest, transport.form) : undefined
    if (former !== undefined && former !== this.#audience) feed.fanout.leave(subscriber, former)
  }

  /** Delivers what was missed since a cursor, then what comes. */
  #resume(request: SubscribeMessage, cursor: readonly CursorPosition[]): void {
    const { resuming, feed, transport, subscriber, fail } = this.#parts
    const catchingUp = new AbortController()
    this.#catchingUp = catchingUp
    const work = async (): Promise<void> => {
      const plan = await planResume({ feed, history: resuming.history, cursor, grant: this.#grant })
      if (catchingUp.signal.aborted) return
      resuming.counts[plan.isWhole ? 'whole' : 'partial']++
      this.#acknowledge(request.id, { positions: plan.starts, recovered: plan.isWhole })
      for (const { number, from, to } of plan.lost) this.#tellLost(number, from, to)
      const catchUp = new CatchUp(
        {
          ...resuming,
          feed,
          transport,
          lose: (number, from, to) => this.#tellLost(number, from, to),
          signal: catchingUp.signal,
          interest: () => this.#subscription.losslessInterest(this.#grant),
          entitlement: () => this.#entitlement,
          deliver: block => subscriber.deliver(block),
        },
        plan.starts,
      )
      await catchUp.run(() => this.#join(request, plan.isWhole))
    }
    resuming.counts.underWay++
    work()
      .catch((error: unknown) => {
        if (catchingUp.signal.aborted) return
        resuming.counts.failed++
        fail(error)
      })
      .finally(() => resuming.counts.underWay--)
  }

  #tellLost(number: number, from: number, to: number): void {
    this.#parts.tell({ T: 'lost', ranges: [[number, from, to]] })
  }

  /** It is where the feed is: from now on it is one of its audience. */
  #join(request: SubscribeMessage, isWhole: boolean): void {
    this.#catchingUp = undefined
    this.#follow(this.#subscription)
    this.#parts.tell({ T: 'resumed', ...(request.id === undefined ? {} : { id: request.id }) })
    // What is conflated goes on with its current value; so does everything of which something is missing.
    const items = [...request.items].filter(
      ([channel]) => request.snapshot || !isWhole || this.#subscription.policy(channel) === 'conflate',
    )
    if (items.length > 0 && !this.#isEnded) this.#snapshots.add(() => this.#snapshot(request, new Map(items)))
  }

  #acknowledge(
    id: RequestId | undefined,
    { positions, recovered }: Acknowledgement = { positions: 'live' },
  ): void {
    const told = positions === 'live' ? this.#parts.feed.positions() : positions
    this.#parts.tell({
      T: 'subscription',
      ...(id === undefined ? {} : { id }),
      ...this.#subscription.describe(),
      ...(recovered === undefined ? {} : { recovered }),
      ...(told === undefined ? {} : { partitions: told.map(describePartition) }),
    })
  }

  #snapshot(request: SubscribeMessage, items: RequestedItems): Iterable<Block> {
    const { feed, transport } = this.#parts
    const { lookedBackToMs } = feed
    const head = {
      T: 'snapshot',
      ...(request.id === undefined ? {} : { id: request.id }),
      ...(lookedBackToMs === undefined ? {} : { since: new Date(lookedBackToMs).toISOString() }),
    }
    return transport.form.snapshot(head, this.#currentEvents(items, this.#grant))
  }

  *#currentEvents(items: RequestedItems, grant: Grant): Generator<Buffer, void> {
    for (const [channel, names] of items) {
      const seen = entitledNames(channel, names, grant)
      if (seen.size > 0) yield* this.#parts.feed.tape.snapshot(channel, resolve(seen, grant))
    }
  }
}
