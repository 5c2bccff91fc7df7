import type { Grant } from '../../auth/grant.ts'
import type { Feed } from '../../feed/feed.ts'
import type { RequestedItems } from '../../protocol/client-message.ts'
import type { RequestId } from '../../protocol/error-message.ts'
import { type Clock, readClock, wallTimeOf } from '../../system/clock.ts'
import type { PreparedFrame } from '../../wire/prepared-frame.ts'
import type { Recipient } from '../session-context.ts'
import type { FlowControl } from './flow-control.ts'
import { type Subscription, entitledNames, resolve } from './subscription.ts'

interface SnapshotsOptions {
  readonly feed: Feed
  readonly clock: Clock
  readonly recipient: Recipient
  readonly flowControl: FlowControl
  readonly grant: () => Grant
  readonly subscription: () => Subscription
  /** Whether the session is where the feed is. */
  readonly isLive: () => boolean
}

/** The current values that a session is sent. */
export class Snapshots {
  readonly #parts: SnapshotsOptions
  /** Values that are newer than where a reader behind is wait until it is live. Made when the first are asked for. */
  #lossless: SnapshotSender | undefined
  /** Those of conflated channels need not. */
  #conflated: SnapshotSender | undefined

  constructor(parts: SnapshotsOptions) {
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
    const { flowControl, recipient, feed } = this.#parts
    return new SnapshotSender({
      flowControl,
      write: block => {
        flowControl.sent(block.framed().length)
        recipient.write(block)
      },
      mayGoOn: () => {
        // No value is newer than what was written: it would come again, as an event.
        feed.flush()
        return isTime()
      },
    })
  }

  #make(items: RequestedItems, id: RequestId | undefined): Iterable<PreparedFrame> {
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
      if (seen.size > 0) yield* this.#parts.feed.lastValues.snapshot(channel, resolve(seen, grant))
    }
  }
}

/** Blocks sent before the event loop has its turn. */
const blocksPerTurn = 4
const maxWaiting = 16

/** A snapshot, and how it is made. */
interface Snapshot {
  readonly make: () => Iterable<PreparedFrame>
  readonly blocks: Iterator<PreparedFrame>
}

interface SnapshotSenderOptions {
  readonly flowControl: FlowControl
  readonly write: (block: PreparedFrame) => void
  /** Whether values of this moment may be sent now; if not, `resume` is called when they may. */
  readonly mayGoOn: () => boolean
}

/**
 * Sends snapshots piece by piece, as fast as the connection takes them: each piece is made only when there is room
 * for it, of the values current then, so a snapshot of a whole market costs no memory and never makes its reader slow.
 */
class SnapshotSender {
  readonly #parts: SnapshotSenderOptions
  readonly #wake = (): void => this.resume()
  #waiting: Snapshot[] = []
  #turn: NodeJS.Immediate | undefined

  constructor(parts: SnapshotSenderOptions) {
    this.#parts = parts
  }

  /** Whether a further snapshot may wait its turn. */
  get isFull(): boolean {
    return this.#waiting.length >= maxWaiting
  }

  add(make: () => Iterable<PreparedFrame>): void {
    this.#waiting.push(begin(make))
    if (this.#waiting.length > 1) return
    this.#parts.flowControl.onRoom(this.#wake)
    this.resume()
  }

  /** Makes anew what has not been sent whole: what it may hold has changed. */
  restart(): void {
    this.#waiting = this.#waiting.map(({ make }) => begin(make))
  }

  /** Forgets what has not been sent. */
  end(): void {
    this.#waiting = []
    clearImmediate(this.#turn)
    this.#parts.flowControl.offRoom(this.#wake)
  }

  /** Goes on, as far as there is room. */
  resume(): void {
    const { flowControl, write, mayGoOn } = this.#parts
    clearImmediate(this.#turn)
    for (let sent = 0; sent < blocksPerTurn; sent++) {
      const [snapshot] = this.#waiting
      if (snapshot === undefined || !flowControl.hasRoom || !mayGoOn()) return
      const { done, value } = snapshot.blocks.next()
      if (done === true) this.#waiting.shift()
      else write(value)
      if (this.#waiting.length === 0) return flowControl.offRoom(this.#wake)
    }
    this.#turn = setImmediate(this.#wake)
  }
}

function begin(make: () => Iterable<PreparedFrame>): Snapshot {
  return { make, blocks: make()[Symbol.iterator]() }
}
