import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { type Clock, type Moment, readClock, systemClock, writtenAt } from '../system/clock.ts'
import { type Repair, repairKinds } from '../event/field-kinds.ts'
import { EventFault, type FaultReason, faultReasons, type FieldRepair } from '../event/parse-event.ts'
import type { Outage } from '../feed/outage.ts'
import type { LogBatch, LogRecord, Partition, Position } from '../log/event-log.ts'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import { RecordDecoder, type RecordDecoderOptions } from './record-decoder.ts'
import { WarmUp, type WarmUpOptions } from './warm-up.ts'
import { ListenerList } from '../system/listener-list.ts'

export interface IngestOptions
  extends Omit<WarmUpOptions, 'clock' | 'records'>,
    Omit<RecordDecoderOptions, 'isRetrying'> {
  readonly clock?: Clock
  /** Takes warnings about single records and offsets; `logger` if left out. */
  readonly recordLog?: WarnLog
  /** Called with every batch that was read into the feed. */
  readonly onBatch?: (batch: LogBatch) => void
  /** Called with every poison record, a view of the batch; must not throw. */
  readonly onPoison?: (record: LogRecord, partition: Partition, fault: EventFault) => void
}

export interface IngestCounts {
  /** Records read, including those that are not events. */
  records: number
  /** Records that the decoder ignored. */
  ignored: number
  /** Poison records by reason; they are logged and skipped. */
  readonly poison: Record<FaultReason, number>
  /**
   * Values repaired in events that were passed on: symbols removed from an article, halves of surrogate
   * pairs.
   */
  readonly repaired: Record<Repair['kind'], number>
  /** Offsets that were gone or unreadable before this node read them. */
  missed: number
}

/**
 * A record that is older, besides the feed's delay, was read late, or has a timestamp in another unit: it is
 * not measured.
 */
const longestLatencyMs = 3_600_000

/** A batch that waits longer for the decoder module is reported as an outage. */
const outageMs = 5000
/** While a batch waits so long, nothing is fetched, and other partitions may seem silent. */
const longPrepareMs = 1000

/** Reads the log into a feed: decodes and checks records, adds their events, and flushes once per read. */
export class Ingest {
  readonly counts: IngestCounts = {
    records: 0,
    ignored: 0,
    poison: Object.fromEntries(faultReasons.map(reason => [reason, 0])) as Record<FaultReason, number>,
    repaired: Object.fromEntries(repairKinds.map(kind => [kind, 0])) as Record<Repair['kind'], number>,
    missed: 0,
  }
  /**
   * Called after each flush that delivered something, with the age in ms of its oldest record, less the
   * feed's delay, if known.
   */
  readonly onDelivered = new ListenerList<number>()
  readonly warmUp: WarmUp
  /** When the oldest record since the last flush was written, or due, on the steady clock. */
  #oldestMs = Infinity
  /** Since when a batch has been waiting for the decoder module. */
  #preparingSinceMs: number | undefined
  /** When the decoder module last returned a batch that had waited for long. */
  #heldUntilMs = -Infinity
  /** The feed's deliveries at the last flush. */
  #deliveries = 0
  readonly #options: IngestOptions
  readonly #clock: Clock
  readonly #records: RecordDecoder
  readonly #poisonLog: RateLimitedLog
  readonly #repairLog: RateLimitedLog
  readonly #gapLog: RateLimitedLog

  constructor(options: IngestOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    const recordLog = options.recordLog ?? options.logger
    this.#poisonLog = new RateLimitedLog(recordLog)
    this.#repairLog = new RateLimitedLog(recordLog)
    this.#gapLog = new RateLimitedLog(recordLog)
    this.#records = new RecordDecoder({
      ...options,
      isRetrying: () => this.warmUp.notReadyReason !== undefined,
    })
    options.feed.onFlushed.add(() => this.#noteFlush())
    options.feed.outage = () => this.#outage
    this.warmUp = new WarmUp({ ...options, records: this.#records, clock: this.#clock })
  }

  /** Why the node is not ready, with the known cause; `undefined` when it is. */
  get notReadyReason(): string | undefined {
    const { notReadyReason } = this.warmUp
    const why = this.#outage?.why ?? this.#records.trouble ?? this.#options.log.trouble
    return notReadyReason === undefined || why === undefined ? notReadyReason : `${notReadyReason}: ${why}`
  }

  get #outage(): Outage | undefined {
    const nowMs = this.#clock.steady()
    const sinceMs = this.#preparingSinceMs
    if (sinceMs !== undefined && nowMs - sinceMs > outageMs)
      return {
        source: 'decoding',
        sinceMs,
        why: this.#records.trouble ?? 'the decoder module has not prepared a batch',
      }
    const { silentSinceMs, trouble } = this.#options.log
    // Nothing is fetched while a batch waits.
    if (silentSinceMs === undefined || sinceMs !== undefined || nowMs < this.#heldUntilMs + outageMs)
      return undefined
    return { source: 'unreachable', sinceMs: silentSinceMs, why: trouble }
  }

  /** Reads until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const starts = await this.warmUp.start(signal)
    await Promise.all([this.#follow(starts, signal), this.warmUp.complete(signal)])
  }

  async #follow(starts: readonly Position[], signal: AbortSignal): Promise<void> {
    for await (const batches of this.#options.log.tail(starts, signal)) {
      // Before the feed is touched: nothing may come between adding events and flushing them.
      await this.#prepare(batches, signal)
      if (signal.aborted) return
      this.#addAll(batches)
      await nextLoopTurn()
    }
  }

  async #prepare(batches: readonly LogBatch[], signal: AbortSignal): Promise<void> {
    const sinceMs = this.#clock.steady()
    this.#preparingSinceMs = sinceMs
    await this.#records.prepare(batches, signal)
    this.#preparingSinceMs = undefined
    const nowMs = this.#clock.steady()
    if (nowMs - sinceMs > longPrepareMs) this.#heldUntilMs = nowMs
  }

  #addAll(batches: readonly LogBatch[]): void {
    const { feed } = this.#options
    const now = readClock(this.#clock)
    feed.tick(now.steadyMs)
    for (const batch of batches) {
      const dueMs = writtenAt(batch.records[0]?.timestampMs ?? 0, now) + feed.delayMs
      if (now.steadyMs - dueMs < longestLatencyMs) this.#oldestMs = Math.min(this.#oldestMs, dueMs)
      this.#addBatch(batch, now)
    }
    feed.flushSoon()
  }

  #noteFlush(): void {
    const { deliveries } = this.#options.feed.fanOut.counts
    if (deliveries > this.#deliveries && this.#oldestMs < Infinity)
      this.onDelivered.notify(this.#clock.steady() - this.#oldestMs)
    this.#deliveries = deliveries
    this.#oldestMs = Infinity
  }

  #addBatch(batch: LogBatch, now: Moment): void {
    const { feed } = this.#options
    const { partition, epoch, to, stable } = batch
    this.#noteGap(batch)
    feed.advance({ partition, epoch, offset: batch.from }, stable)
    const number = feed.numberOf(partition)
    for (const record of batch.records) {
      const decoded = this.#records.decode(record, partition)
      if (decoded instanceof EventFault) this.#notePoison(decoded, partition, record)
      else if (decoded === undefined) this.counts.ignored++
      else {
        const { event, json, repairs } = decoded
        for (const repair of repairs) this.#noteRepair(repair, partition, record)
        const writtenMs = writtenAt(record.timestampMs, now)
        feed.add(event, { partition: number, offset: record.offset, writtenMs, json })
      }
    }
    this.counts.records += batch.records.length
    feed.advance({ partition, epoch, offset: to }, stable)
    this.warmUp.noteBatch(batch)
    this.#options.onBatch?.(batch)
  }

  #noteRepair(repair: FieldRepair, partition: Partition, { offset }: LogRecord): void {
    this.counts.repaired[repair.kind] += repair.count
    this.#repairLog.warn(
      { ...partition, offset, field: repair.field, repair: repair.message },
      'a value of an event was repaired',
    )
  }

  /**
   * Reports offsets that were skipped: retention or compaction overtook this node, or a batch was unreadable.
   */
  #noteGap({ partition, epoch, from }: LogBatch): void {
    const position = this.#options.feed.positionOf(partition)
    if (position === undefined || position.epoch !== epoch || from === position.offset) return
    if (from > position.offset) {
      this.#options.feed.lose(partition, from)
      // Records from before the start do not count: a compacted topic lacks most of them.
      if (this.warmUp.isReading(partition)) return
      this.counts.missed += from - position.offset
    }
    const message =
      from > position.offset ? 'offsets were gone before they were read' : 'the log was truncated'
    this.#gapLog.warn({ ...partition, expected: position.offset, found: from }, message)
  }

  #notePoison(fault: EventFault, partition: Partition, record: LogRecord): void {
    this.counts.poison[fault.reason]++
    this.#options.onPoison?.(record, partition, fault)
    this.#poisonLog.warn(
      { ...partition, offset: record.offset, reason: fault.reason, rule: fault.rule },
      'poison record passed over',
    )
  }
}
