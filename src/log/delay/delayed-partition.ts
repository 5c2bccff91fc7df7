import { type Clock, readClock } from '../../system/clock.ts'
import { messageOf } from '../../diagnostics/ticker-error.ts'
import type { EventLog, LogBatch, Partition, Position } from '../event-log.ts'
import { WakeSignal, type StartTimer } from '../wake-signal.ts'
import { dueTimes, type EventTimesOfBatch, maxEventAheadMs } from './due-times.ts'
import { HeldRecords } from './held-records.ts'
import { LastRecord } from './last-record.ts'
import { WrittenTimes } from './written-times.ts'

/**
 * The times of a batch's events in ms since 1970, `NaN` where a record has none. May take its time: reading
 * is ahead of what is due.
 */
export type EventTimes = (batch: LogBatch, signal: AbortSignal) => Promise<ArrayLike<number>>

export interface PartitionDelay {
  readonly log: EventLog
  readonly delayMs: number
  /** Records' timestamps alone count if left out. */
  readonly eventTimes: EventTimes | undefined
  /** See `createDelayClock`. */
  readonly clock: Clock
  readonly startTimer: StartTimer
}

export interface DelayedPartitionOptions extends PartitionDelay {
  readonly start: Position
  /** Whether a batch must say where reading begins, even an empty one. */
  readonly announcesStart: boolean
  readonly signal: AbortSignal
  /** The approximate memory of the records that may be held. */
  readonly maxHeldBytes: () => number
  /** Called when records were added that may be due earlier than the consumer expects. */
  readonly onHeld: () => void
}

/** How long the event times of one batch are waited for. */
const eventTimesTimeoutMs = 5000
/** A question that takes longer means that the partition cannot be read. */
const silentAfterMs = 5000
const firstPauseMs = 250
const longestPauseMs = 4000
/** The end of the log is looked at this often, or twice and more often in a delay. */
const longestPollMs = 5000
/**
 * Fetches that fill what may be held, without what a record costs besides its bytes. What a fetch brings
 * beyond that is read twice.
 */
const fetchesPerHeld = 8
/** How often a reader that is behind asks how far. */
const dueEndIntervalMs = 1000
/** How precisely it is known when a record was written whose timestamp lies in the future. */
const finestResolutionMs = 1000
const coarsestResolutionMs = 30_000

/**
 * Reads one partition ahead of its delay, piece by piece, and holds what is not due. Reads on when half of
 * what it may hold was taken. So the log is asked for some pieces, not for each record, and memory stays
 * bounded however long the delay.
 */
export class DelayedPartition {
  readonly partition: Partition
  readonly #options: DelayedPartitionOptions
  readonly #stopping = new AbortController()
  readonly #held = new HeldRecords()
  readonly #written: WrittenTimes
  readonly #wake: WakeSignal
  readonly #resolutionMs: number
  readonly #pollMs: number
  #epoch: string
  /** The next offset to read. */
  #position: number
  #last: LastRecord | undefined
  /** The next offset of the consumer. */
  #given: number
  /** Everything before is due, as far as that is known: a reader of a delayed log could be there. */
  #dueEnd = 0
  /** When that was last asked for. */
  #dueEndMs = Number.NEGATIVE_INFINITY
  #isFull = false
  #isPlaced = false
  /** Since when the log has not answered. */
  #askedMs: number | undefined
  #fault: string | undefined

  constructor(options: DelayedPartitionOptions) {
    const { start, delayMs, announcesStart, startTimer } = options
    this.#options = { ...options, signal: AbortSignal.any([options.signal, this.#stopping.signal]) }
    this.partition = start.partition
    this.#epoch = start.epoch
    this.#position = start.offset
    this.#given = start.offset
    this.#resolutionMs = Math.min(Math.max(delayMs / 32, finestResolutionMs), coarsestResolutionMs)
    this.#pollMs = Math.min(delayMs / 4, longestPollMs)
    const keptMs = delayMs + maxEventAheadMs
    this.#written = new WrittenTimes({ resolutionMs: this.#resolutionMs, keptMs })
    this.#wake = new WakeSignal(startTimer)
    if (announcesStart) this.#announce(start.offset)
  }

  get epoch(): string {
    return this.#epoch
  }

  get heldBytes(): number {
    return this.#held.bytes
  }

  /** Since when the log has not answered, on the steady clock, if that is too long. */
  get silentSinceMs(): number | undefined {
    const askedMs = this.#askedMs
    if (askedMs === undefined || this.#options.clock.steady() - askedMs < silentAfterMs) return undefined
    return askedMs
  }

  /** Why the last question failed. */
  get fault(): string | undefined {
    return this.#fault
  }

  /** When the next record is due, on the steady clock; `Infinity` if none is held. */
  get nextDueMs(): number {
    return this.#held.nextDueMs
  }

  /** The next records that are due, `maxRecords` at most. */
  take(nowMs: number, maxRecords: number): LogBatch | undefined {
    const extent = this.#held.take(nowMs, maxRecords)
    if (extent === undefined) return undefined
    this.#given = extent.to
    if (this.#isFull && this.#held.bytes <= this.#options.maxHeldBytes() / 2) this.#wake.notify()
    this.#dueEnd = Math.max(this.#dueEnd, extent.to, this.#written.longAgo)
    return { partition: this.partition, epoch: this.#epoch, stable: this.#dueEnd, ...extent }
  }

  /** The topic was recreated: what is held is gone, and reading begins anew. */
  restart(start: Position): void {
    this.#epoch = start.epoch
    this.#moveTo(start.offset)
    this.#announce(start.offset)
    this.#wake.notify()
  }

  /** Ends `run`. */
  stop(): void {
    this.#stopping.abort()
  }

  /** Reads until the signal aborts, or `stop`. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#options
    const end = () => this.#wake.notify()
    signal.addEventListener('abort', end, { once: true })
    let pauseMs = firstPauseMs
    while (!signal.aborted) {
      if (await this.#ask()) {
        pauseMs = firstPauseMs
        await this.#wake.wait(this.#isFull ? this.#resolutionMs : this.#pollMs)
      } else {
        await this.#wake.wait(pauseMs)
        pauseMs = Math.min(pauseMs * 2, longestPauseMs)
      }
    }
    signal.removeEventListener('abort', end)
  }

  /** Reads on if there is room, or else looks how far the log reaches. Returns whether the log answered. */
  async #ask(): Promise<boolean> {
    const { clock, maxHeldBytes, signal } = this.#options
    this.#askedMs ??= clock.steady()
    try {
      if (!this.#isPlaced) await this.#place()
      if (this.#isFull && this.#held.bytes > maxHeldBytes() / 2) await this.#askEnd()
      else {
        await this.#read()
        await this.#askDueEnd()
      }
      this.#noteAnswer()
      return true
    } catch (error) {
      if (!signal.aborted) this.#fault = messageOf(error)
      return false
    }
  }

  /**
   * Asks what is due before anything is read. Of records without a timestamp nothing else tells: a log
   * answers that what lies before its end is due (`DelayedLog.ends`), and a consumer that starts expects it
   * at once.
   */
  async #place(): Promise<void> {
    const epoch = this.#epoch
    const dueEnd = await this.#findDueEnd(this.#options.clock.wall())
    if (this.#epoch === epoch) this.#written.noteUndatedEnd(dueEnd)
    this.#isPlaced = true
  }

  async #read(): Promise<void> {
    const { log, clock, signal, maxHeldBytes } = this.#options
    this.#isFull = false
    const epoch = this.#epoch
    const start = this.#last?.offset ?? this.#position
    const fetchBytes = Math.round(maxHeldBytes() / fetchesPerHeld)
    let end = start
    for await (const batch of log.range(this.partition, start, Number.MAX_SAFE_INTEGER, signal, fetchBytes)) {
      this.#noteAnswer()
      // A look-up of the partitions will say where the recreated topic begins.
      if (batch.epoch !== epoch || this.#epoch !== epoch) return
      this.#written.note(Math.max(batch.stable, batch.to), clock.steady())
      if (this.#last?.contradicts(batch, this.#position) === true) return this.#cutBack(this.#given)
      await this.#accept(batch.from < start ? batch : partFrom(this.#position, batch))
      if (signal.aborted || this.#epoch !== epoch) return
      this.#askedMs = clock.steady()
      this.#isFull = this.#held.bytes >= maxHeldBytes()
      if (this.#isFull) return
      end = batch.to
    }
    if (start < this.#position && end < this.#position) await this.#askEnd()
  }

  /** Looks how far the log reaches. */
  async #askEnd(): Promise<void> {
    const { log, clock } = this.#options
    const { stable } = await log.ends(this.partition)
    this.#written.note(stable, clock.steady())
    if (stable < this.#position) this.#cutBack(stable)
  }

  /** Asks how far behind this reader is, while everything that it holds is due and there is more. */
  async #askDueEnd(): Promise<void> {
    const { clock, signal } = this.#options
    const { wallMs, steadyMs } = readClock(clock)
    if (!this.#isFull || this.#held.lastDueMs > steadyMs || signal.aborted) return
    if (steadyMs - this.#dueEndMs < dueEndIntervalMs) return
    const epoch = this.#epoch
    const dueEnd = await this.#findDueEnd(wallMs)
    if (this.#epoch !== epoch) return
    this.#dueEndMs = steadyMs
    this.#dueEnd = Math.max(this.#dueEnd, dueEnd)
  }

  /** The offset before which every record is due by its timestamp, whatever its event's time. */
  #findDueEnd(wallMs: number): Promise<number> {
    const { log, delayMs } = this.#options
    return log.offsetAt(this.partition, wallMs - delayMs - maxEventAheadMs)
  }

  async #accept(batch: LogBatch): Promise<void> {
    const { clock, delayMs, onHeld } = this.#options
    if (batch.from < this.#position) return this.#cutBack(batch.from)
    if (batch.from > this.#position) this.#announce(batch.from)
    if (batch.to === batch.from) return
    const epoch = this.#epoch
    const eventTimes = await this.#eventTimes(batch)
    if (this.#epoch !== epoch) return
    const now = readClock(clock)
    const due = dueTimes(batch, { delayMs, eventTimes, written: this.#written, now })
    const isDue = this.#held.lastDueMs <= now.steadyMs && due.every(ms => ms <= now.steadyMs)
    if (isDue) this.#held.add(batch, due)
    else this.#held.addCopies(batch, due)
    this.#position = batch.to
    const last = batch.records.at(-1)
    if (last !== undefined) this.#last = new LastRecord(last)
    onHeld()
  }

  /** `undefined` if they cannot be found, or not in time. */
  async #eventTimes(batch: LogBatch): Promise<EventTimesOfBatch> {
    const { eventTimes, startTimer, signal } = this.#options
    if (eventTimes === undefined) return []
    const { promise: late, resolve } = Promise.withResolvers<undefined>()
    const stop = startTimer(() => resolve(undefined), eventTimesTimeoutMs)
    try {
      return await Promise.race([eventTimes(batch, signal), late])
    } catch {
      return undefined
    } finally {
      stop()
    }
  }

  /**
   * The log was cut back to `end` or before, and may have grown again: what the consumer has not had yet is
   * read once more.
   */
  #cutBack(end: number): void {
    const start = Math.min(end, this.#given)
    this.#held.cutBack(start)
    this.#written.cutBack(start)
    this.#dueEnd = Math.min(this.#dueEnd, start)
    this.#position = start
    this.#last = undefined
    if (start < this.#given) {
      this.#moveTo(start)
      this.#announce(start)
    }
    this.#wake.notify()
  }

  /** Says, after what is held, that the next records begin at `offset`. */
  #announce(offset: number): void {
    this.#held.add({ from: offset, to: offset, records: [] }, new Float64Array())
    this.#position = offset
    this.#last = undefined
    this.#options.onHeld()
  }

  #moveTo(offset: number): void {
    this.#held.cutBack(0)
    this.#written.cutBack(0)
    this.#position = offset
    this.#given = offset
    this.#dueEnd = 0
  }

  #noteAnswer(): void {
    this.#askedMs = undefined
    this.#fault = undefined
  }
}

/** The part of a batch that was not read before. */
function partFrom(position: number, batch: LogBatch): LogBatch {
  if (batch.from >= position) return batch
  const records = batch.records.filter(({ offset }) => offset >= position)
  return { ...batch, from: position, to: Math.max(batch.to, position), records }
}
