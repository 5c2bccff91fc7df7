import type { Grant } from '../auth/grant.ts'
import { type Clock, readClock, wallTimeOf } from '../clock.ts'
import type { Feed } from '../fanout/feed.ts'
import type { Block } from '../wire/block.ts'
import type { RequestedItems } from './client-message.ts'
import type { Recipient } from './delivery-parts.ts'
import type { RequestId } from './error-message.ts'
import type { Pace } from './pace.ts'
import { SnapshotSender } from './snapshot-sender.ts'
import { entitledNames, resolve, type Subscription } from './subscription.ts'

export interface SnapshotsParts {
  readonly feed: Feed
  readonly clock: Clock
  readonly recipient: Recipient
  readonly pace: Pace
  readonly grant: () => Grant
  readonly subscription: () => Subscription
  /** Whether the session is where the feed is. */
  readonly isLive: () => boolean
}

/** The current values that a session is sent. */
export class Snapshots {
  readonly #parts: SnapshotsParts
  /** Values that are newer than where a reader behind is wait until it is live. Made when the first are asked for. */
  #lossless: SnapshotSender | undefined
  /** Those of conflated channels need not. */
  #conflated: SnapshotSender | undefined

  constructor(parts: SnapshotsParts) {
    this.#parts = parts
  }

  /** Whether a further snapshot may wait its turn. */
  get isFull(): boolean {
    return this.#lossless?.isFull === true || this.#conflated?.isFull === true
  }

  /** Sends current values of what is named, as soon as none of them is newer than what comes after it. */
  send(items: RequestedItems, id: RequestId | undefined): void {
    const { subscription, isLive } = this.#parts
    const isConflated = [...items.keys()].every(channel => subscription().policy(channel) === 'conflate')
    const sender = isConflated
      ? (this.#conflated ??= this.#createSender(() => true))
      : (this.#lossless ??= this.#createSender(isLive))
    sender.add(() => this.#make(items, id))
  }

  /** Sends current values of everything conflated, unless many are on their way. */
  sendConflated(): void {
    if (this.#conflated?.isFull !== true) this.send(this.#parts.subscription().itemsOf('conflate'), undefined)
  }

  /** The session is where the feed is. */
  resume(): void {
    this.#lossless?.resume()
  }

  /** Makes anew what has not been sent whole: what it may hold has changed. */
  restart(): void {
    this.#lossless?.restart()
    this.#conflated?.restart()
  }

  /** Forgets what has not been sent. */
  end(): void {
    this.#lossless?.end()
    this.#conflated?.end()
  }

  #createSender(isTime: () => boolean): SnapshotSender {
    const { pace, recipient, feed } = this.#parts
    return new SnapshotSender({
      pace,
      write: block => {
        pace.sent(block.framed().length)
        recipient.write(block)
      },
      mayGoOn: () => {
        // No value is newer than what was written: it would come again, as an event.
        feed.flush()
        return isTime()
      },
    })
  }

  #make(items: RequestedItems, id: RequestId | undefined): Iterable<Block> {
    const { feed, clock, recipient, grant } = this.#parts
    const channels = [...items.keys()]
    const head = {
      T: 'snapshot',
      ...(id === undefined ? {} : { id }),
      // Of the moment at which each piece is made; absent where it is undefined.
      get since() {
        const sinceMs = feed.completeSinceMs(channels)
        if (sinceMs === undefined) return undefined
        return new Date(Math.max(0, Math.ceil(wallTimeOf(sinceMs, readClock(clock))))).toISOString()
      },
    }
    return recipient.form.snapshot(head, this.#currentEvents(items, grant()))
  }

  *#currentEvents(items: RequestedItems, grant: Grant): Generator<Buffer, void> {
    for (const [channel, names] of items) {
      const seen = entitledNames(channel, names, grant)
      if (seen.size > 0) yield* this.#parts.feed.tape.snapshot(channel, resolve(seen, grant))
    }
  }
}
