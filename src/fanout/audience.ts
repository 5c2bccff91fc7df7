import type { Segment } from '../tape/segment.ts'
import type { Block } from '../wire/block.ts'
import type { FrameMemory } from '../wire/frame-memory.ts'
import type { Marks, WireForm } from '../wire/wire-form.ts'
import type { Coverage } from '../wire/coverage.ts'
import type { Interest } from './interest.ts'

/** One receiver of an audience's flushes. */
export interface Subscriber {
  /**
   * Takes one prepared block, or leaves its audience without it; never throws. `done`: it needs the block's bytes no more, which may be
   * written over then.
   */
  deliver(block: Block): 'done' | void
}

/** How far the log was read, by the number of the partition. */
export type Progress = Pick<Coverage, 'begins' | 'reached'>

export interface AudienceOptions {
  readonly key: string
  readonly interest: Interest
  readonly form: WireForm
  readonly progress: Progress
  /** Where frames lie. */
  readonly memory: FrameMemory
}

/** The subscribers that receive exactly the same bytes: each flush is built once and written to each of them. */
export class Audience implements Marks {
  readonly key: string
  readonly interest: Interest
  readonly subscribers = new Set<Subscriber>()
  indices = new Uint32Array(16)
  count = 0
  /** The next of the audiences that the batch under way has marked. */
  nextMarked: Audience | undefined
  readonly form: WireForm
  /** What every subscriber has been told of, at least: who joined later has been told more. */
  readonly #coverage: Coverage
  readonly #memory: FrameMemory
  #bytes = 0
  /** Made once: a flush allocates its frame and little else. */
  readonly #send = (block: Block): void => {
    this.#bytes += block.framed().length * this.subscribers.size
    block.share()
    for (const subscriber of this.subscribers) if (subscriber.deliver(block) !== 'done') this.#memory.keep()
  }

  constructor({ key, interest, form, progress, memory }: AudienceOptions) {
    this.key = key
    this.interest = interest
    this.form = form
    this.#memory = memory
    this.#coverage = { ...progress, covered: [...progress.reached] }
  }

  /** Up to where every subscriber has everything of a partition, by its number, before the frame that is being written. */
  coveredAt(number: number): number {
    return this.#coverage.covered[number] ?? this.#coverage.begins[number] ?? 0
  }

  /** Notes an event of the segment under way, once, however many of its items it touched. True if it is the first. */
  mark(index: number): boolean {
    if (this.count > 0 && this.indices[this.count - 1] === index) return false
    if (this.count === this.indices.length) this.#grow()
    this.indices[this.count++] = index
    return this.count === 1
  }

  /** Writes what was marked to every subscriber, and forgets the marks. The bytes written. */
  flush(segment: Segment): number {
    this.#bytes = 0
    this.form.events({ segment, marks: this, coverage: this.#coverage, memory: this.#memory }, this.#send)
    this.count = 0
    return this.#bytes
  }

  #grow(): void {
    const indices = new Uint32Array(this.indices.length * 2)
    indices.set(this.indices)
    this.indices = indices
  }
}
