import type { Grant } from '../auth/grant.ts'
import type { Audience, Subscriber } from '../fanout/audience.ts'
import type { Feed, NumberedPosition } from '../fanout/feed.ts'
import type { Block } from '../wire/block.ts'
import type { SubscribeMessage, UnsubscribeMessage } from './client-message.ts'
import type { RequestFault, RequestId } from './error-message.ts'
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
}

/** A partition as clients are told of it. */
export function describePartition({ number, partition, epoch, offset }: NumberedPosition): object {
  return { number, topic: partition.topic, partition: partition.partition, epoch, position: offset }
}

/** What a live session receives: what it subscribed to, as far as its token entitles, and snapshots of it. */
export class Delivery {
  readonly #parts: DeliveryParts
  readonly #snapshots: SnapshotSender
  #grant: Grant
  #subscription = Subscription.none
  #audience: Audience | undefined
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
    const fault = this.#faultOf(request, wanted)
    if (fault !== undefined) return { ...fault, id: request.id }
    this.#follow(wanted)
    this.#acknowledge(request.id)
    if (request.snapshot && !this.#isEnded) this.#snapshots.add(() => this.#snapshot(request))
    return undefined
  }

  unsubscribe(request: UnsubscribeMessage): void {
    this.#follow(this.#subscription.without(request.items))
    this.#acknowledge(request.id)
  }

  /** Goes on under another token: what it does not entitle to is left at once, and the client told what remains. */
  entitle(grant: Grant): void {
    const { size } = this.#subscription
    this.#grant = grant
    const former = this.#audience
    this.#follow(this.#subscription.under(grant))
    this.#snapshots.restart()
    if (former !== this.#audience || size !== this.#subscription.size) this.#acknowledge(undefined)
  }

  /** Nothing is delivered any more. */
  end(): void {
    this.#isEnded = true
    this.#snapshots.end()
    if (this.#audience !== undefined) this.#parts.feed.fanout.leave(this.#parts.subscriber, this.#audience)
    this.#audience = undefined
  }

  #faultOf(
    { items, snapshot }: SubscribeMessage,
    wanted: Subscription,
  ): Omit<RequestFault, 'id'> | undefined {
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

  #acknowledge(id: RequestId | undefined): void {
    this.#parts.tell({
      T: 'subscription',
      ...(id === undefined ? {} : { id }),
      ...this.#subscription.describe(),
      partitions: this.#parts.feed.positions().map(describePartition),
    })
  }

  #snapshot(request: SubscribeMessage): Iterable<Block> {
    const { feed, transport } = this.#parts
    const { lookedBackToMs } = feed
    const head = {
      T: 'snapshot',
      ...(request.id === undefined ? {} : { id: request.id }),
      ...(lookedBackToMs === undefined ? {} : { since: new Date(lookedBackToMs).toISOString() }),
    }
    return transport.form.snapshot(head, this.#currentEvents(request, this.#grant))
  }

  *#currentEvents({ items }: SubscribeMessage, grant: Grant): Generator<Buffer, void> {
    for (const [channel, names] of items) {
      const seen = entitledNames(channel, names, grant)
      if (seen.size > 0) yield* this.#parts.feed.tape.snapshot(channel, resolve(seen, grant))
    }
  }
}
