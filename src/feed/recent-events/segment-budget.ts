import { maxSegmentBytes, type SegmentSize, type SegmentStart, WindowSegment } from './window-segment.ts'

/** What may be kept, over all partitions. */
export interface WindowLimits {
  /**
   * Memory of segments, their columns included. One more may be taken for a moment, and some spare ones are
   * kept.
   */
  readonly maxBytes: number
  /**
   * How long an event is kept after it was read, unless bytes are short. It leaves with its segment, at most
   * an eighth later.
   */
  readonly maxAgeMs: number
}

/**
 * Why segments were dropped. `memory`: less may be kept than is configured, since the node is short of
 * memory. `restart`: a gap, a truncated log, a topic that was made again or is gone.
 */
export const dropCauses = ['bytes', 'memory', 'time', 'restart'] as const
export type DropCause = (typeof dropCauses)[number]

export interface WindowCounts {
  /** Segments held now. */
  segments: number
  /** What they take, in bytes. */
  bytes: number
  /** Events held now. */
  events: number
  /** Events dropped since start, by cause. */
  readonly dropped: Record<DropCause, number>
}

/** Who holds a segment. */
export interface SegmentOwner {
  /** Lets go of its oldest segment. */
  dropOldest(): WindowSegment | undefined
}

/**
 * Segments open for longer than this part of the age are closed, so that events do not wait for a full
 * segment to leave.
 */
const agesPerSegment = 8

/**
 * Dropped segments kept for the next ones. Without them the memory of dropped segments waits for the
 * collector, which let a full window take twice its bound (`npm run load -- window`).
 */
const maxSpares = 4

/**
 * Every segment of every partition in the order in which they were opened, so that the oldest leave first.
 */
export class SegmentBudget {
  readonly counts: WindowCounts = {
    segments: 0,
    bytes: 0,
    events: 0,
    dropped: { bytes: 0, memory: 0, time: 0, restart: 0 },
  }
  readonly #limits: WindowLimits
  readonly #owners = new Map<WindowSegment, SegmentOwner>()
  readonly #spares: WindowSegment[] = []
  #nowMs = 0
  #limitBytes: number

  constructor(limits: WindowLimits) {
    this.#limits = limits
    this.#limitBytes = limits.maxBytes
  }

  /** What may be kept by configuration. */
  get fullBytes(): number {
    return this.#limits.maxBytes
  }

  /** What may be kept now. Less drops the oldest segments at once, and the spare ones. */
  get limitBytes(): number {
    return this.#limitBytes
  }

  set limitBytes(bytes: number) {
    if (bytes < this.#limitBytes) for (const segment of this.#spares.splice(0)) segment.release()
    this.#limitBytes = Math.min(bytes, this.fullBytes)
    this.enforce()
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** When the oldest event was taken in; `undefined` if there is none. */
  get oldestMs(): number | undefined {
    return this.#owners.keys().next().value?.firstMs
  }

  /** Whether a segment is open for so long that the next event should begin another. */
  isStale(segment: WindowSegment): boolean {
    return this.#nowMs - segment.firstMs >= this.#limits.maxAgeMs / agesPerSegment
  }

  /** States the time, in ms on a clock that only goes on, and drops what is too old. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs
    const keptMs = this.#nowMs - this.#limits.maxAgeMs
    for (const [segment, owner] of this.#owners) {
      if (segment.lastMs > keptMs) break
      this.#drop(owner, 'time')
    }
  }

  /** Opens a segment and counts it in. */
  open(owner: SegmentOwner, size: SegmentSize, start: SegmentStart): WindowSegment {
    const spare = this.#spares.findIndex(segment => segment.isOfSize(size))
    const [segment = new WindowSegment(size)] = spare < 0 ? [] : this.#spares.splice(spare, 1)
    segment.begin(start)
    this.#owners.set(segment, owner)
    this.counts.segments++
    this.counts.bytes += segment.size
    return segment
  }

  /** Drops the oldest segments until the rest may stay; perhaps all of them. */
  enforce(): void {
    for (const owner of this.#owners.values()) {
      if (this.counts.bytes <= this.#limitBytes) break
      this.#drop(owner, this.#limitBytes < this.fullBytes ? 'memory' : 'bytes')
    }
  }

  /** Drops an owner's oldest segment: it has as many as it may. */
  dropOldestOf(owner: SegmentOwner): void {
    this.#drop(owner, 'bytes')
  }

  /** Counts a segment out that its owner has let go; nobody may look into it any more. */
  close(segment: WindowSegment, cause: DropCause): void {
    this.#owners.delete(segment)
    this.counts.segments--
    this.counts.bytes -= segment.size
    this.counts.events -= segment.events
    this.counts.dropped[cause] += segment.events
    if (cause === 'memory') segment.release()
    else if (segment.bytes.length <= maxSegmentBytes && this.#spares.push(segment) > maxSpares)
      this.#spares.shift()
  }

  /** A partition's segments were opened in order, so the oldest of all is the oldest of its owner. */
  #drop(owner: SegmentOwner, cause: DropCause): void {
    const segment = owner.dropOldest()
    if (segment !== undefined) this.close(segment, cause)
  }
}
