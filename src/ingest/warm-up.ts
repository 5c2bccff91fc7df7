import { setTimeout as pause } from 'node:timers/promises'
import { readClock, writtenAt } from '../system/clock.ts'
import type { Ends, LogBatch, Partition, Position } from '../log/event-log.ts'
import { RateLimitedLog } from '../diagnostics/rate-limited-log.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import { LookBack, type LookBackCounts, type LookBackOptions } from './look-back.ts'

export interface WarmUpOptions extends LookBackOptions {
  /** How many records of each partition are read back. */
  readonly warmUpRecords: number
}

const retryMs = 500

/**
 * What is read before the node is ready: the last records of every partition, up to where each ended at start; then,
 * backwards from there, the last events of symbols that did not occur in them.
 */
export class WarmUp {
  /** Resolves when everything was read. */
  readonly ready: Promise<void>
  #becomeReady: () => void = () => undefined
  readonly #options: WarmUpOptions
  readonly #warnings: RateLimitedLog
  readonly #lookBack: LookBack
  readonly #startedMs: number
  #endedMs: number | undefined
  /** Resolves when every partition was read to where it ended at start. */
  readonly #caughtUp: Promise<void>
  #catchUp: () => void = () => undefined
  /** The partitions that have not reached the last stable offset they had at start, with that position. */
  #behind: Map<Partition, Position> | undefined
  #missingTopics: readonly string[] = []
  /** Partitions that are not read from their beginning, with the time since when everything is, on the steady clock. */
  readonly #lookedBackMs = new Map<Partition, number>()
  /** Those of them whose first record has not come yet. */
  readonly #cutShort = new Set<Partition>()

  constructor(options: WarmUpOptions) {
    this.#options = options
    this.#warnings = new RateLimitedLog(options.logger)
    this.#lookBack = new LookBack(options)
    this.#startedMs = options.clock.steady()
    this.ready = new Promise(resolve => {
      this.#becomeReady = resolve
    })
    this.#caughtUp = new Promise(resolve => {
      this.#catchUp = resolve
    })
  }

  /** Why the node is not ready, in words; `undefined` when it is. */
  get notReadyReason(): string | undefined {
    if (this.#endedMs !== undefined) return undefined
    return this.#obstacle ?? 'the last events of some symbols are still being looked for'
  }

  /** How long it took, in ms; 0 while it is not over. */
  get durationMs(): number {
    return this.#endedMs === undefined ? 0 : this.#endedMs - this.#startedMs
  }

  /** What the search for last events has read and found. */
  get lookBack(): Readonly<LookBackCounts> {
    return this.#lookBack.counts
  }

  /** What stands between the node and the end of every partition. */
  get #obstacle(): string | undefined {
    if (this.#behind === undefined) return 'the log has not answered yet'
    if (this.#missingTopics.length > 0) {
      // One that may not be read is hidden as well; what is wrong with it is told behind.
      const notReadyReason =
        this.#options.log.trouble === undefined ? 'do not exist' : 'are missing or hidden'
      return `topics that ${notReadyReason}: ${this.#missingTopics.join(', ')}`
    }
    if (this.#behind.size > 0) return `${this.#behind.size} partitions are still being read`
    return undefined
  }

  /** Whether what lay in a partition at start is still being read. */
  isReading(partition: Partition): boolean {
    return this.#behind?.has(partition) ?? false
  }

  /** Where to read from: the last `warmUpRecords` records of each partition. Repeats until the log answers; rejects on abort. */
  async begin(signal: AbortSignal): Promise<Position[]> {
    const { log, feed, warmUpRecords } = this.#options
    // Brokers list partitions in any order; clients are told of them in runs.
    const firsts = (await log.partitions(signal)).toSorted(byPlace)
    const ends = await Promise.all(firsts.map(({ partition }) => this.#ends(partition, signal)))
    const behind = new Map<Partition, Position>()
    const starts = firsts.map((position, index) => {
      const { first, stable } = ends[index] ?? { first: position.offset, stable: position.offset }
      const start = { ...position, offset: Math.max(first, stable - warmUpRecords) }
      this.#lookBack.from(start, first)
      if (start.offset > first) this.#cut(position.partition)
      if (start.offset < stable) behind.set(position.partition, { ...position, offset: stable })
      feed.advance(start, stable)
      return start
    })
    this.#behind = behind
    this.#noteTopics(firsts)
    return starts
  }

  /** Becomes ready, when what is read has been noted and what is missing was looked for; resolves on abort, too. */
  async complete(signal: AbortSignal): Promise<void> {
    await this.#awaitTopics(signal)
    const aborted = new Promise(resolve => {
      signal.addEventListener('abort', resolve, { once: true })
    })
    if (this.#obstacle !== undefined && !signal.aborted) await Promise.race([this.#caughtUp, aborted])
    if (this.#obstacle !== undefined) return
    await this.#lookBack.run(signal)
    this.#endedMs = this.#options.clock.steady()
    this.#becomeReady()
  }

  /** Notes what was read. */
  note({ partition, epoch, to, stable, records: [first] }: LogBatch): void {
    if (first !== undefined && this.#cutShort.delete(partition))
      this.#lookBackTo(partition, writtenAt(first.timestampMs, readClock(this.#options.clock)))
    const end = this.#behind?.get(partition)
    // A topic made again meanwhile has nothing left to catch up with, a truncated one no more than it has now.
    if (end === undefined || (end.epoch === epoch && to < Math.min(end.offset, stable))) return
    this.#behind?.delete(partition)
    this.#check()
  }

  /** Looks for the topics that did not exist, until they do or the signal aborts. */
  async #awaitTopics(signal: AbortSignal): Promise<void> {
    while (this.#missingTopics.length > 0 && !signal.aborted) {
      this.#warnings.warn(
        { topics: this.#missingTopics },
        'topics do not exist; the node is not ready without them',
      )
      await pause(retryMs, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) this.#noteTopics(await this.#options.log.partitions(signal).catch(() => []))
    }
  }

  #noteTopics(positions: readonly Position[]): void {
    const found = new Set(positions.map(({ partition }) => partition.topic))
    const named = new Set(Object.values(this.#options.topics))
    this.#missingTopics = [...named].filter(topic => !found.has(topic))
    this.#check()
  }

  #check(): void {
    if (this.#obstacle === undefined) this.#catchUp()
  }

  #cut(partition: Partition): void {
    this.#cutShort.add(partition)
    this.#lookBackTo(partition, this.#options.clock.steady())
  }

  /** Where a record does not say when it was written, it stays as it was. */
  #lookBackTo(partition: Partition, sinceMs: number): void {
    if (sinceMs === -Infinity) return
    this.#lookedBackMs.set(partition, sinceMs)
    this.#options.feed.lookedBackToMs = Math.max(...this.#lookedBackMs.values())
  }

  async #ends(partition: Partition, signal: AbortSignal): Promise<Ends> {
    for (;;) {
      try {
        return await this.#options.log.ends(partition)
      } catch (error) {
        signal.throwIfAborted()
        this.#warnings.warn(
          { ...partition, error: messageOf(error) },
          'the end of a partition cannot be read yet',
        )
        await pause(retryMs, undefined, { signal })
      }
    }
  }
}

function byPlace({ partition: one }: Position, { partition: other }: Position): number {
  if (one.topic === other.topic) return one.partition - other.partition
  return one.topic < other.topic ? -1 : 1
}
