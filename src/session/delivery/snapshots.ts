import type { Grant } from '../../auth/grant.ts'
import type { Channel } from '../../event/event.ts'
import type { FiltersByChannel } from '../../feed/active-filters.ts'
import type { Feed } from '../../feed/feed.ts'
import type { RequestedItems } from '../../protocol/command.ts'
import type { RequestId } from '../../protocol/request-fault.ts'
import { type Clock, readClock, wallTimeOf } from '../../system/clock.ts'
import type { Payload } from '../../wire/payload.ts'
import type { Recipient } from '../session-context.ts'
import type { FlowControl } from './flow-control.ts'
import { entitledNames, resolve, type Subscription } from './subscription.ts'

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
  readonly #options: SnapshotsOptions
  /**
   * While the reader is behind these wait: their values are newer than what it is sent. Made when the first
   * are asked for.
   */
  #lossless: SnapshotSender | undefined
  /** Those of conflated channels need not wait. */
  #conflated: SnapshotSender | undefined

  constructor(options: SnapshotsOptions) {
    this.#options = options
  }

  /** Whether no further snapshot may wait. */
  get isFull(): boolean {
    return this.#lossless?.isFull === true || this.#conflated?.isFull === true
  }

  /** Sends the current values of some items, as soon as none of them is newer than what comes after it. */
  send(items: RequestedItems, id: RequestId | undefined): void {
    const { subscription, isLive } = this.#options
    const isConflated = [...items.keys()].every(channel => subscription().policy(channel) === 'conflate')
    const sender = isConflated
      ? (this.#conflated ??= this.#createSender(() => true))
      : (this.#lossless ??= this.#createSender(isLive))
    const { filters } = subscription()
    sender.add(() => this.#frames(this.#stillWanted(items, filters), id))
  }

  /** Sends the current values of everything conflated, unless many snapshots are on their way. */
  sendConflated(): void {
    if (this.#conflated?.isFull === true) return
    this.send(this.#options.subscription().itemsOf('conflate'), undefined)
  }

  /** The session is where the feed is again. */
  resume(): void {
    this.#lossless?.resume()
  }

  /** Begins every snapshot that was not sent whole again: what it may hold has changed. */
  restart(): void {
    this.#lossless?.restart()
    this.#conflated?.restart()
  }

  /** Drops what has not been sent. */
  end(): void {
    this.#lossless?.end()
    this.#conflated?.end()
  }

  #createSender(isDue: () => boolean): SnapshotSender {
    const { flowControl, recipient, feed } = this.#options
    return new SnapshotSender({
      flowControl,
      send: frame => {
        flowControl.count(frame.length)
        recipient.write(frame)
      },
      mayGoOn: () => {
        // No value may be newer than what was written: it would come again, as an event.
        feed.flush()
        return isDue()
      },
    })
  }

  /** Leaves out what was unsubscribed, in channels that have another filter by now. */
  #stillWanted(items: RequestedItems, filters: FiltersByChannel): RequestedItems {
    const subscription = this.#options.subscription()
    const wanted = [...items].map(([channel, names]): [Channel, readonly string[]] => {
      const isSame = subscription.filters.get(channel) === filters.get(channel)
      const symbols = subscription.symbols(channel)
      return [channel, isSame ? names : names.filter(name => symbols.has(name))]
    })
    return new Map(wanted)
  }

  #frames(items: RequestedItems, id: RequestId | undefined): Iterable<Payload | undefined> {
    const { feed, clock, recipient } = this.#options
    const channels = [...items.keys()]
    let missingMs = -Infinity
    const events = this.#currentEvents(items, ms => (missingMs = Math.max(missingMs, ms)))
    const sinceMs = (): number | undefined => {
      const steadyMs = Math.max(feed.completeSinceMs(channels) ?? -Infinity, missingMs)
      return steadyMs === -Infinity ? undefined : wallTimeOf(steadyMs, readClock(clock))
    }
    return recipient.form.snapshot({ id, sinceMs }, events)
  }

  *#currentEvents(
    items: RequestedItems,
    onMissing: (sinceMs: number) => void,
  ): Generator<Buffer | undefined, void> {
    const { lastValues, matchingValues } = this.#options.feed
    const grant = this.#options.grant()
    const { filters } = this.#options.subscription()
    for (const [channel, names] of items) {
      const entitled = entitledNames(channel, names, grant)
      if (entitled.size === 0) continue
      const symbols = resolve(entitled, grant)
      const filter = filters.get(channel)
      if (filter === undefined) yield* lastValues.snapshot(channel, symbols)
      else yield* matchingValues.snapshot({ channel, symbols, filter }, onMissing)
    }
  }
}

/** Frames sent before the event loop has its turn. */
const framesPerTurn = 4
const maxWaiting = 16

/** Begins the frames of a snapshot. After an `undefined`, the next takes another turn of the event loop. */
type MakeFrames = () => Iterable<Payload | undefined>

interface WaitingSnapshot {
  readonly make: MakeFrames
  readonly frames: Iterator<Payload | undefined>
}

interface SnapshotSenderOptions {
  readonly flowControl: FlowControl
  readonly send: (frame: Payload) => void
  /** Whether values of this moment may be sent now; if not, `resume` is called when they may. */
  readonly mayGoOn: () => boolean
}

/**
 * Sends snapshots piece by piece, as fast as the connection takes them. Each piece is made when there is room
 * for it, of the values current then, so a snapshot of a whole market costs no memory and never makes its
 * reader slow.
 */
class SnapshotSender {
  readonly #options: SnapshotSenderOptions
  readonly #wake = (): void => this.resume()
  #waiting: WaitingSnapshot[] = []
  #turn: NodeJS.Immediate | undefined

  constructor(options: SnapshotSenderOptions) {
    this.#options = options
  }

  /** Whether no further snapshot may wait. */
  get isFull(): boolean {
    return this.#waiting.length >= maxWaiting
  }

  add(make: MakeFrames): void {
    this.#waiting.push(begin(make))
    if (this.#waiting.length > 1) return
    this.#options.flowControl.onRoom(this.#wake)
    this.resume()
  }

  restart(): void {
    this.#waiting = this.#waiting.map(({ make }) => begin(make))
  }

  end(): void {
    this.#waiting = []
    clearImmediate(this.#turn)
    this.#options.flowControl.offRoom(this.#wake)
  }

  /** Goes on, as far as there is room. */
  resume(): void {
    const { flowControl, send, mayGoOn } = this.#options
    clearImmediate(this.#turn)
    for (let sent = 0; sent < framesPerTurn; sent++) {
      const [snapshot] = this.#waiting
      if (snapshot === undefined || !flowControl.hasRoom || !mayGoOn()) return
      const { done, value } = snapshot.frames.next()
      if (done === true) this.#waiting.shift()
      else if (value === undefined) break
      else send(value)
      if (this.#waiting.length === 0) return flowControl.offRoom(this.#wake)
    }
    this.#turn = setImmediate(this.#wake)
  }
}

function begin(make: MakeFrames): WaitingSnapshot {
  return { make, frames: make()[Symbol.iterator]() }
}
