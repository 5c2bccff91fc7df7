import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { type Clock, readClock, systemClock } from '../system/clock.ts'
import type { Partition, Position } from '../event/log-record.ts'
import { EventFault } from '../event/parse-event.ts'
import type { HistoricEvent, History, HistoryBatch, ReadableRange } from './history.ts'
import type { EventLog, LogBatch } from '../log/event-log.ts'
import { TickerError } from '../diagnostics/ticker-error.ts'
import type { ArrivalTimes } from './arrival-times.ts'
import type { RecordDecoder } from '../ingest/record-decoder.ts'

/** The topic of a position was recreated. */
export class HistoryError extends TickerError {
  readonly code = 'TICKER_HISTORY'
}

export interface LogHistoryOptions {
  readonly log: EventLog
  readonly records: RecordDecoder
  /** Reaches as far back as a reader may go without further rights. */
  readonly arrivals: ArrivalTimes
  readonly clock?: Clock
}

/** Thousands of clients that resume at once ask for the range of every partition. */
const rangeAgeMs = 2000
/** A thousand records that have to be parsed take 5 ms and more, and several chunks are read at a time. */
const sliceMs = 1

interface KnownRange {
  readonly sinceMs: number
  readonly range: Promise<ReadableRange>
}

/** The log as a history: decoded and checked; poison is skipped as it was when it was new. */
export class LogHistory implements History {
  readonly #options: LogHistoryOptions
  readonly #ranges = new Map<Partition, KnownRange>()

  constructor(options: LogHistoryOptions) {
    this.#options = options
  }

  readableRange(partition: Partition): Promise<ReadableRange> {
    const { wallMs, steadyMs } = readClock(this.#options.clock ?? systemClock)
    const former = this.#ranges.get(partition)
    if (former !== undefined && steadyMs - former.sinceMs < rangeAgeMs) return former.range
    const range = this.#ask(partition, wallMs)
    const known = { sinceMs: steadyMs, range }
    this.#ranges.set(partition, known)
    // The next caller asks again after a failure.
    range.catch(() => {
      if (this.#ranges.get(partition) === known) this.#ranges.delete(partition)
    })
    return range
  }

  async end(partition: Partition): Promise<number> {
    const { stable, written = stable } = await this.#options.log.ends(partition)
    return written
  }

  async *read(
    { partition, epoch, offset }: Position,
    to: number,
    signal: AbortSignal,
  ): AsyncGenerator<HistoryBatch, void> {
    const { log, records } = this.#options
    let expected = offset
    for await (const batch of log.range(partition, offset, to, signal)) {
      if (batch.epoch !== epoch) {
        throw new HistoryError(`${partition.topic}/${partition.partition}: the topic was recreated`)
      }
      if (batch.to <= expected) continue
      await records.prepare([batch], signal)
      yield* this.#slices(batch, expected)
      expected = batch.to
    }
  }

  async #ask(partition: Partition, nowMs: number): Promise<ReadableRange> {
    const { log, arrivals } = this.#options
    const known = arrivals.of(partition)
    // For records older than this node only their timestamps are known. They count from the newest one, since
    // a whole feed may be late.
    const newestMs = Math.min(nowMs, known?.newestMs ?? nowMs)
    const [{ first, stable }, byTimestamp] = await Promise.all([
      log.ends(partition),
      log.offsetAt(partition, newestMs - arrivals.keptMs),
    ])
    const recent = Math.min(byTimestamp, known?.recent ?? stable, stable)
    return { first, stable, recent: Math.max(first, recent) }
  }

  /**
   * Decodes a batch from an offset on: a millisecond of work (in real time) in each turn of the event loop.
   */
  async *#slices(batch: LogBatch, offset: number): AsyncGenerator<HistoryBatch, void> {
    let from = Math.max(batch.from, offset)
    let events: HistoricEvent[] = []
    let untilMs = performance.now() + sliceMs
    for (const record of batch.records) {
      if (record.offset < from) continue
      const decoded = this.#options.records.decode(record, batch.partition)
      if (decoded !== undefined && !(decoded instanceof EventFault)) {
        events.push({ ...decoded, offset: record.offset })
      }
      if (performance.now() < untilMs) continue
      const to = record.offset + 1
      yield { from, to, events }
      await nextLoopTurn()
      from = to
      events = []
      untilMs = performance.now() + sliceMs
    }
    yield { from, to: batch.to, events }
  }
}
