import type { Channel } from '../../event/event.ts'
import type { Coverage, Positions } from '../../wire/coverage.ts'
import type { PayloadMemory } from '../../wire/payload-memory.ts'
import type { DeflateCounts, Payload } from '../../wire/payload.ts'
import { settle, type WireForm } from '../../wire/wire-form.ts'
import type { EventBatch } from '../last-values/event-batch.ts'
import type { Selection } from '../selection.ts'
import type { PendingEvents } from './pending-events.ts'

/** A receiver of live frames. */
export interface Subscriber {
  /**
   * Takes a frame, or leaves its audience without it. Never throws. Returns `done` if the frame's bytes may
   * be overwritten at once.
   */
  deliver(frame: Payload): 'done' | void
}

/** How far the log was read, by partition number. */
export type Progress = Pick<Coverage, 'begins' | 'reached'>

/** The objects that the audiences of a feed share. */
export interface AudienceContext {
  readonly progress: Progress
  readonly pending: PendingEvents
  /** Memory for frames. */
  readonly memory: PayloadMemory
  /** Counts what is compressed. */
  readonly deflated: DeflateCounts
}

export interface AudienceOptions {
  readonly key: string
  readonly selection: Selection
  readonly form: WireForm
}

/**
 * The subscribers with the same selection and wire form: each flush is encoded once and written to each of
 * them. Most audiences have one subscriber. The data that a delivery touches lies together: with thousands of
 * audiences it is never in the processor's cache.
 */
export class Audience implements Coverage {
  readonly key: string
  readonly selection: Selection
  readonly form: WireForm
  /** The next audience with pending events. */
  nextPending: Audience | undefined
  /** The number of pending events. */
  count = 0
  /** Up to where every subscriber has everything, at least; later subscribers have more. */
  readonly covered: Positions
  readonly begins: Positions
  readonly reached: Positions
  readonly #pending: PendingEvents
  readonly #memory: PayloadMemory
  readonly #deflated: DeflateCounts
  /** Links in `#pending`; 0 if there are none. */
  #firstLink = 0
  #lastLink = 0
  #lastIndex = 0
  /** The last frame of the flush under way, until it is sent. */
  #lastFrame: Payload | undefined
  /** One subscriber, and the others if there are any. */
  #first: Subscriber | undefined
  #others: Set<Subscriber> | undefined
  #bytes = 0
  /** Whether the audience gets only some of a channel's events. */
  readonly #isPartial: ((channel: Channel) => boolean) | undefined

  constructor({ key, selection, form }: AudienceOptions, context: AudienceContext) {
    const { progress } = context
    this.key = key
    this.selection = selection
    this.form = form
    this.covered = [...progress.reached]
    this.begins = progress.begins
    this.reached = progress.reached
    this.#pending = context.pending
    this.#memory = context.memory
    this.#deflated = context.deflated
    if (selection.isFiltered) this.#isPartial = channel => selection.filterOf(channel) !== undefined
  }

  /** The number of subscribers. */
  get size(): number {
    return this.#first === undefined ? 0 : 1 + (this.#others?.size ?? 0)
  }

  add(subscriber: Subscriber): void {
    if (this.#first === undefined) this.#first = subscriber
    else if (this.#first !== subscriber) (this.#others ??= new Set()).add(subscriber)
  }

  remove(subscriber: Subscriber): void {
    if (this.#others?.delete(subscriber) === true || this.#first !== subscriber) return
    const [next] = this.#others ?? []
    if (next !== undefined) this.#others?.delete(next)
    this.#first = next
  }

  /** Up to where every subscriber has everything of a partition, before the frame that is being written. */
  coveredAt(number: number): number {
    return this.covered[number] ?? this.begins[number] ?? 0
  }

  /**
   * Adds an event of the batch under way, once however many of its items are selected. Returns true if it is
   * the first.
   */
  mark(index: number): boolean {
    if (this.count > 0 && this.#lastIndex === index) return false
    this.#lastIndex = index
    this.#lastLink = this.#pending.append(this.#lastLink, index)
    if (++this.count > 1) return false
    this.#firstLink = this.#lastLink
    return true
  }

  /** Builds the frames of the pending events. Writes all but the last, which `send` writes. */
  build(batch: EventBatch): void {
    this.#bytes = 0
    const chosen = this.#pending.list(this.#firstLink)
    const outgoing = {
      events: batch,
      chosen,
      coverage: this,
      memory: this.#memory,
      isPartial: this.#isPartial,
    }
    this.#lastFrame = this.form.frames(outgoing, frame => this.#deliver(frame))
  }

  /** Writes the last frame, and forgets the pending events. Returns the bytes of the whole flush. */
  send(batch: EventBatch): number {
    if (this.#lastFrame !== undefined) this.#deliver(this.#lastFrame)
    this.#lastFrame = undefined
    settle(batch, this.#pending.list(this.#firstLink), this)
    this.count = 0
    this.#firstLink = 0
    this.#lastLink = 0
    return this.#bytes
  }

  #deliver(frame: Payload): void {
    const { size } = this
    this.#bytes += frame.length * size
    // To compress a frame takes longer than everything else that is done for a subscriber: only shared frames
    // are compressed.
    if (size > 1) frame.share(this.#deflated)
    if (this.#others !== undefined) for (const other of this.#others) this.#offer(frame, other)
    // Comes last, because another subscriber takes its place if it leaves.
    if (this.#first !== undefined) this.#offer(frame, this.#first)
  }

  #offer(frame: Payload, subscriber: Subscriber): void {
    if (subscriber.deliver(frame) !== 'done') this.#memory.keep()
  }
}
