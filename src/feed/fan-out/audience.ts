import type { Coverage, Positions } from '../../wire/coverage.ts'
import type { FrameMemory, PreparedFrame } from '../../wire/prepared-frame.ts'
import { type WireForm, settle } from '../../wire/wire-form.ts'
import type { EventBatch } from '../last-values/event-batch.ts'
import type { Selection } from '../selection.ts'
import type { PendingEvents } from './pending-events.ts'

/** One receiver of an audience's flushes. */
export interface Subscriber {
  /**
   * Takes one prepared block, or leaves its audience without it; never throws. `done`: it needs the block's bytes no more, which may be
   * written over then.
   */
  deliver(block: PreparedFrame): 'done' | void
}

/** How far the log was read, by the number of the partition. */
export type Progress = Pick<Coverage, 'begins' | 'reached'>

/** What all audiences have in common. */
export interface AudienceParts {
  readonly progress: Progress
  readonly chains: PendingEvents
  /** Where frames lie. */
  readonly memory: FrameMemory
}

export interface AudienceOptions {
  readonly key: string
  readonly selection: Selection
  readonly form: WireForm
}

/**
 * The subscribers that receive exactly the same bytes: each flush is built once and written to each of them. As a rule there is one:
 * what a delivery touches is kept together, for with thousands of audiences nothing of it is in the processor's cache.
 */
export class Audience implements Coverage {
  readonly key: string
  readonly selection: Selection
  readonly form: WireForm
  /** The next of the audiences that the batch under way has marked. */
  nextMarked: Audience | undefined
  /** How many events are marked. */
  count = 0
  /** What every subscriber has been told of, at least: who joined later has been told more. */
  readonly covered: Positions
  readonly begins: Positions
  readonly reached: Positions
  readonly #chains: PendingEvents
  readonly #memory: FrameMemory
  #firstMark = 0
  #lastMark = 0
  #lastIndex = 0
  /** The last frame of the flush under way, while it waits to be written. */
  #built: PreparedFrame | undefined
  /** One of them, and the others if there are any. */
  #first: Subscriber | undefined
  #others: Set<Subscriber> | undefined
  #bytes = 0

  constructor({ key, selection, form }: AudienceOptions, { progress, chains, memory }: AudienceParts) {
    this.key = key
    this.selection = selection
    this.form = form
    this.covered = [...progress.reached]
    this.begins = progress.begins
    this.reached = progress.reached
    this.#chains = chains
    this.#memory = memory
  }

  /** How many subscribers there are. */
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

  /** Up to where every subscriber has everything of a partition, by its number, before the frame that is being written. */
  coveredAt(number: number): number {
    return this.covered[number] ?? this.begins[number] ?? 0
  }

  /** Notes an event of the segment under way, once, however many of its items it touched. True if it is the first. */
  mark(index: number): boolean {
    if (this.count > 0 && this.#lastIndex === index) return false
    this.#lastIndex = index
    this.#lastMark = this.#chains.append(this.#lastMark, index)
    if (++this.count > 1) return false
    this.#firstMark = this.#lastMark
    return true
  }

  /** Makes the frames of what was marked, and writes them, but for the last, which is to be sent next. */
  build(segment: EventBatch): void {
    this.#bytes = 0
    const marks = this.#chains.list(this.#firstMark)
    const flush = { segment, marks, coverage: this, memory: this.#memory }
    this.#built = this.form.frames(flush, block => this.#deliver(block))
  }

  /** Writes the last frame, and forgets the marks. The bytes of the whole flush. */
  send(segment: EventBatch): number {
    if (this.#built !== undefined) this.#deliver(this.#built)
    this.#built = undefined
    settle(segment, this.#chains.list(this.#firstMark), this)
    this.count = 0
    this.#firstMark = 0
    this.#lastMark = 0
    return this.#bytes
  }

  #deliver(block: PreparedFrame): void {
    const { size } = this
    this.#bytes += block.framed().length * size
    // Compressing takes longer than everything else that is done for a subscriber; it is for many to share.
    if (size > 1) block.share()
    if (this.#others !== undefined) for (const other of this.#others) this.#offer(block, other)
    // The last, for when it leaves, one of the others takes its place.
    if (this.#first !== undefined) this.#offer(block, this.#first)
  }

  #offer(block: PreparedFrame, subscriber: Subscriber): void {
    if (subscriber.deliver(block) !== 'done') this.#memory.keep()
  }
}
