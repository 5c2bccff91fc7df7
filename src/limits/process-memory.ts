import { totalmem } from 'node:os'

/** What Node says of the process, in bytes. */
type MemoryReading = Pick<NodeJS.MemoryUsage, 'rss' | 'heapTotal' | 'external'>

/** By so much the resident set has to be larger than when all of it counted. */
const muchLarger = 17 / 16

/**
 * How much memory the process uses: its resident set, less what the allocator keeps of what was given back to it. glibc returns
 * little: a window of 256 MiB that was shrunk to 16 left 345 MB resident of 382, of which 250 were free for whatever came next.
 *
 * When the resident set is much larger than ever, all of it counts. Below that, what Node knows to be allocated counts, and what it did
 * not know of at that moment, and what was added to it since: so it is never taken to be less than what made it grow that far, and
 * a page more does not make all that is free look used.
 */
export class MemoryUse {
  readonly #ask: () => MemoryReading
  #usedBytes = 0
  #highestRss = 0
  /** The resident set when all of it counted last. */
  #countedRss = 0
  /** What was resident then, and not known to Node: code, sockets, TLS, and free memory of the allocator. */
  #unknownThen = 0

  constructor(ask: () => MemoryReading = () => process.memoryUsage()) {
    this.#ask = ask
  }

  /**
   * In bytes, now. Takes 15 to 20 µs: the resident set is read from /proc. Where that cannot be opened, for lack of descriptors perhaps,
   * the last reading stays.
   */
  read(): number {
    try {
      this.#usedBytes = this.#judge(this.#ask())
    } catch {
      // The next look tells.
    }
    return this.#usedBytes
  }

  #judge({ rss, heapTotal, external }: MemoryReading): number {
    const known = heapTotal + external
    if (rss > this.#countedRss * muchLarger) {
      this.#countedRss = rss
      this.#unknownThen = Math.max(0, rss - known)
    } else if (rss > this.#highestRss) {
      this.#unknownThen = Math.max(0, Math.min(rss - known, this.#unknownThen + rss - this.#highestRss))
    }
    this.#highestRss = Math.max(this.#highestRss, rss)
    return Math.min(rss, known + this.#unknownThen)
  }
}

/** What the gateway may take where nobody says: the limit of its container (cgroup), else the machine's memory. In bytes. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory()
  const total = totalmem()
  // Without a limit it is 0, or more than any machine has.
  return constrained > 0 && constrained < total ? constrained : total
}

/** What a primary takes, with thousands of addresses and users in its ledger. */
const primaryBytes = 201_326_592
const leastBytes = 67_108_864

/** What one of several workers may take of it, beside the others and their primary; all of it where there is one process. */
export function shareOfWorker(limitBytes: number, workers: number): number {
  if (workers === 1) return limitBytes
  return Math.max(leastBytes, Math.floor((limitBytes - primaryBytes) / workers))
}
