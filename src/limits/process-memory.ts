import { totalmem } from 'node:os'

/** The memory of the process as Node reports it, in bytes. */
type MemoryReading = Pick<NodeJS.MemoryUsage, 'rss' | 'heapTotal' | 'external'>

/** How much larger the resident set must grow before all of it is counted again. */
const recountFactor = 17 / 16

/**
 * Estimates how much memory the process uses: its resident set without the freed memory that the allocator
 * keeps. glibc returns little to the system: a window of 256 MiB that was shrunk to 16 left 345 MB resident
 * of 382, of which 250 were free for later use.
 *
 * When the resident set grows well beyond its former size, all of it counts. Below that, three parts count:
 * the memory that Node knows to be allocated, the memory that was resident beside it at that moment, and the
 * growth since. So the estimate is never too low for the growth that made all of it count, and one page more
 * does not make all free memory look used.
 */
export class MemoryUse {
  readonly #readMemory: () => MemoryReading
  #usedBytes = 0
  #highestRss = 0
  /** The resident set when all of it was last counted. */
  #countedRss = 0
  /**
   * Memory that was resident then and unknown to Node: code, sockets, TLS, and free memory of the allocator.
   */
  #otherBytes = 0

  constructor(ask: () => MemoryReading = () => process.memoryUsage()) {
    this.#readMemory = ask
  }

  /**
   * Reads the memory in use, in bytes. Takes 15 to 20 µs, because the resident set is read from /proc. Where
   * that cannot be opened (no free descriptor, perhaps), the last reading stays.
   */
  read(): number {
    try {
      this.#usedBytes = this.#estimate(this.#readMemory())
    } catch {
      // The next reading may succeed.
    }
    return this.#usedBytes
  }

  #estimate({ rss, heapTotal, external }: MemoryReading): number {
    const known = heapTotal + external
    if (rss > this.#countedRss * recountFactor) {
      this.#countedRss = rss
      this.#otherBytes = Math.max(0, rss - known)
    } else if (rss > this.#highestRss) {
      this.#otherBytes = Math.max(0, Math.min(rss - known, this.#otherBytes + rss - this.#highestRss))
    }
    this.#highestRss = Math.max(this.#highestRss, rss)
    return Math.min(rss, known + this.#otherBytes)
  }
}

/**
 * Returns the memory that the gateway may take by default, in bytes: the limit of its container (cgroup), or
 * the machine's memory.
 */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory()
  const total = totalmem()
  // Without a limit this is 0, or more than any machine has.
  return constrained > 0 && constrained < total ? constrained : total
}

/** The memory of a primary with thousands of addresses and users in its quotas. */
const primaryBytes = 201_326_592
const leastBytes = 67_108_864

/**
 * Returns the share of one of several workers beside the others and their primary; all of it with a single
 * process.
 */
export function shareOfWorker(limitBytes: number, workers: number): number {
  if (workers === 1) return limitBytes
  return Math.max(leastBytes, Math.floor((limitBytes - primaryBytes) / workers))
}
