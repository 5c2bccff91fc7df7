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
 * Reads what a node needs to be ready: the last records of every partition, up to its end at start; then,
 * backwards from there, the last events of symbols that did not occur in them.
 */
export class WarmUp {
  /** Resolves when the warm-up is complete. */
  readonly ready: Promise<void>
  #becomeReady: () => void = () => undefined
  readonly #options: WarmUpOptions
  readonly #warnings: RateLimitedLog
  readonly #lookBack: LookBack
  readonly #startedMs: number
  #endedMs: number | undefined
  /** Resolves when every partition was read to its end at start. */
  readonly #caughtUp: Promise<void>
  #catchUp: () => void = () => undefined
  /** The partitions that have not been read to their last stable offset at start, with that position. */
  #unread: Map<Partition, Position> | undefined
  #missingTopics: readonly string[] = []
  /**
   * Partitions that are not read from their beginning, with the time of their first read record, on the
   * steady clock.
   */
  readonly #firstReadMs = new Map<Partition, number>()
  /** Those of them without a record so far. */
  readonly #withoutRecord = new Set<Partition>()

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

  /** Why the node is not ready; `undefined` when it is. */
  get notReadyReason(): string | undefined {
    if (this.#endedMs !== undefined) return undefined
    return this.#unreadReason ?? 'the last events of some symbols are still being searched for'
  }

  /** How long the warm-up took, in ms; 0 while it is not complete. */
  get durationMs(): number {
    return this.#endedMs === undefined ? 0 : this.#endedMs - this.#startedMs
  }

  /** The counts of the search for last events. */
  get lookBack(): Readonly<LookBackCounts> {
    return this.#lookBack.counts
  }

  /** Why not every partition has been read to its end at start. */
  get #unreadReason(): string | undefined {
    if (this.#unread === undefined) return 'the log has not answered yet'
    if (this.#missingTopics.length > 0) {
      // Kafka also hides topics without the right to read them; the ingest adds the cause.
      const fault = this.#options.log.trouble === undefined ? 'do not exist' : 'are missing or hidden'
      return `topics that ${fault}: ${this.#missingTopics.join(', ')}`
    }
    if (this.#unread.size > 0) return `${this.#unread.size} partitions are still being read`
    return undefined
  }

  /** Whether a partition has not been read to its end at start. */
  isReading(partition: Partition): boolean {
    return this.#unread?.has(partition) ?? false
  }

  /**
   * Returns where to read from: `warmUpRecords` before the end. Repeats until the log answers; rejects on
   * abort.
   */
  async start(signal: AbortSignal): Promise<Position[]> {
    const { log, feed, warmUpRecords } = this.#options
    // Brokers list partitions in any order; clients are told of consecutive ones together.
    const firsts = (await log.partitions(signal)).toSorted(byTopicAndNumber)
    const ends = await Promise.all(firsts.map(({ partition }) => this.#readEnds(partition, signal)))
    const unread = new Map<Partition, Position>()
    // What lies before the starts came in before now.
    feed.tick(this.#startedMs)
    const starts = firsts.map((position, index) => {
      const { first, stable } = ends[index] ?? { first: position.offset, stable: position.offset }
      const start = { ...position, offset: Math.max(first, stable - warmUpRecords) }
      this.#lookBack.addPartition(start, first)
      if (start.offset > first) this.#noteLateStart(position.partition)
      if (start.offset < stable) unread.set(position.partition, { ...position, offset: stable })
      feed.advance(start, stable)
      return start
    })
    this.#unread = unread
    this.#noteTopics(firsts)
    return starts
  }

  /** Completes the warm-up: waits for the ends at start, then looks back. Also resolves on abort. */
  async complete(signal: AbortSignal): Promise<void> {
    await this.#awaitTopics(signal)
    const aborted = new Promise(resolve => {
      signal.addEventListener('abort', resolve, { once: true })
    })
    if (this.#unreadReason !== undefined && !signal.aborted) await Promise.race([this.#caughtUp, aborted])
    if (this.#unreadReason !== undefined) return
    await this.#lookBack.run(signal)
    this.#endedMs = this.#options.clock.steady()
    this.#becomeReady()
  }

  /** States that a batch was read. */
  noteBatch({ partition, epoch, to, stable, records: [first] }: LogBatch): void {
    if (first !== undefined && this.#withoutRecord.delete(partition))
      this.#noteFirstRead(partition, writtenAt(first.timestampMs, readClock(this.#options.clock)))
    const end = this.#unread?.get(partition)
    // A topic that was recreated has nothing to catch up with; a truncated one ends earlier now.
    if (end === undefined || (end.epoch === epoch && to < Math.min(end.offset, stable))) return
    this.#unread?.delete(partition)
    this.#check()
  }

  /** Waits for missing topics, until they exist or the signal aborts. */
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
    if (this.#unreadReason === undefined) this.#catchUp()
  }

  #noteLateStart(partition: Partition): void {
    this.#withoutRecord.add(partition)
    this.#noteFirstRead(partition, this.#options.clock.steady())
  }

  /** A record without a timestamp changes nothing. */
  #noteFirstRead(partition: Partition, sinceMs: number): void {
    if (sinceMs === -Infinity) return
    this.#firstReadMs.set(partition, sinceMs)
    this.#options.feed.lookedBackToMs = Math.max(...this.#firstReadMs.values())
  }

  async #readEnds(partition: Partition, signal: AbortSignal): Promise<Ends> {
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

function byTopicAndNumber({ partition: one }: Position, { partition: other }: Position): number {
  if (one.topic === other.topic) return one.partition - other.partition
  return one.topic < other.topic ? -1 : 1
}
