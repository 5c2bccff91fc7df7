import { maxSegmentBytes, type SegmentSize, type SegmentStart, WindowSegment } from './window-segment.ts'

/** Limits over all partitions. */
export interface WindowLimits {
  /**
   * Bytes of segments, their columns included. One more segment may be open for a moment, and some spare ones
   * are kept.
   */
  readonly maxBytes: number
  /**
   * How long an event is kept after it was read, unless bytes are short. It leaves with its segment, at most
   * an eighth later.
   */
  readonly maxAgeMs: number
}

/**
 * Why segments were dropped. `memory`: the node is short of memory, and keeps less than is configured.
 * `restart`: a gap, a partition that was cut back, a topic that was recreated or is gone.
 */
export const dropCauses = ['bytes', 'memory', 'time', 'restart'] as const
export type DropCause = (typeof dropCauses)[number]

export interface WindowCounts {
  /** Segments held now. */
  segments: number
  /** Bytes of these segments. */
  bytes: number
  /** Events in these segments. */
  events: number
  /** Events dropped since start, by cause. */
  readonly dropped: Record<DropCause, number>
}

/** The holder of segments. */
export interface SegmentOwner {
  /** Drops its oldest segment and returns it. */
  dropOldest(): WindowSegment | undefined
}

/**
 * A segment that has been open for longer than this part of the age is closed, so that its events need not
 * wait until it is full to leave.
 */
const agesPerSegment = 8

/**
 * The most dropped segments that are kept for new ones. Without them the memory of dropped segments would
 * wait for the collector, and a full window takes twice its bound (`npm run load -- window`).
 */
const maxSpares = 4

/** All segments of all partitions in the order in which they were opened; the oldest leave first. */
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

  /** The most bytes, as configured. */
  get fullBytes(): number {
    return this.#limits.maxBytes
  }

  /** The most bytes now. Setting less drops the oldest segments at once, and the spare ones. */
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

  /** When the oldest segment was opened; `undefined` if there is none. */
  get oldestMs(): number | undefined {
    return this.#owners.keys().next().value?.firstMs
  }

  /** Whether a segment has been open for so long that the next event should begin another. */
  isStale(segment: WindowSegment): boolean {
    return this.#nowMs - segment.firstMs >= this.#limits.maxAgeMs / agesPerSegment
  }

  /** States the time, in ms on a monotonic clock, and drops what is too old. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs
    const keptMs = this.#nowMs - this.#limits.maxAgeMs
    for (const [segment, owner] of this.#owners) {
      if (segment.lastMs > keptMs) break
      this.#drop(owner, 'time')
    }
  }

  /** Opens a segment and counts it. */
  open(owner: SegmentOwner, size: SegmentSize, start: SegmentStart): WindowSegment {
    const spare = this.#spares.findIndex(segment => segment.isOfSize(size))
    const [segment = new WindowSegment(size)] = spare < 0 ? [] : this.#spares.splice(spare, 1)
    segment.begin(start)
    this.#owners.set(segment, owner)
    this.counts.segments++
    this.counts.bytes += segment.size
    return segment
  }

  /** Drops the oldest segments until the rest is within the limit. */
  enforce(): void {
    for (const owner of this.#owners.values()) {
      if (this.counts.bytes <= this.#limitBytes) break
      this.#drop(owner, this.#limitBytes < this.fullBytes ? 'memory' : 'bytes')
    }
  }

  /** Drops an owner's oldest segment: it has reached its limit of segments. */
  dropOldestOf(owner: SegmentOwner): void {
    this.#drop(owner, 'bytes')
  }

  /** Uncounts a segment that its owner has dropped. Nobody may use it any more. */
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

  /**
   * Drops the oldest segment of an owner. The oldest of all is the oldest of its owner: each opens its
   * segments in order.
   */
  #drop(owner: SegmentOwner, cause: DropCause): void {
    const segment = owner.dropOldest()
    if (segment !== undefined) this.close(segment, cause)
  }
}
