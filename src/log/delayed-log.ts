import { type Clock, systemClock } from '../system/clock.ts'
import { TickerError } from '../diagnostics/ticker-error.ts'
import type { MarketEvent } from '../event/event.ts'
import { createDelayClock } from './delay/delay-clock.ts'
import type { EventTimes } from './delay/delayed-partition.ts'
import { DelayedTail } from './delay/delayed-tail.ts'
import { maxEventAheadMs } from './delay/due-times.ts'
import type { AppendResult, Ends, EventLog, LogBatch, Partition, Position } from './event-log.ts'
import { type StartTimer, startRealTimer } from './wake-signal.ts'

export type { EventTimes } from './delay/delayed-partition.ts'

/** A delayed log was used after it was closed. */
export class DelayedLogError extends TickerError {
  readonly code = 'TICKER_DELAYED_LOG'
}

export interface DelayedLogOptions {
  /** The log that is read later. It stays its owner's: `close` does not close it. */
  readonly log: EventLog
  /** More than 0. */
  readonly delayMs: number
  /** Finds the times of events; if left out, only the timestamps of records count. */
  readonly eventTimes?: EventTimes
  readonly clock?: Clock
  readonly startTimer?: StartTimer
}

/** How far a consumer has read a partition. */
interface Head {
  readonly epoch: string
  readonly offset: number
}

/**
 * A log as it was some time ago: it gives each record only when that is due. A record is due the delay after
 * the later of its timestamp and its event's time, the latter at most 5 s after the former; and after all
 * records before it in its partition. Nothing comes early, whatever happens to the wall clock while the log
 * is open (see `createDelayClock`), and a timestamp in the future holds up a partition for no longer than the
 * delay (see `dueTimes`). Appends go to the log underneath.
 */
export class DelayedLog implements EventLog {
  readonly #options: DelayedLogOptions
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #tails = new Set<DelayedTail>()
  /** Everything before was due, and given to a consumer. */
  readonly #heads = new Map<Partition, Head>()

  constructor(options: DelayedLogOptions) {
    this.#options = options
    this.#clock = createDelayClock(options.clock ?? systemClock)
  }

  /** A tail of the log underneath learns of an outage first: this one asks seldom, and holds records. */
  get silentSinceMs(): number | undefined {
    const { log } = this.#options
    const tails = [log, ...this.#tails]
    const since = tails.map(tail => tail.silentSinceMs).filter(ms => ms !== undefined)
    return since.length === 0 ? undefined : Math.min(...since)
  }

  get trouble(): string | undefined {
    const faults = [this.#options.log.trouble, ...[...this.#tails].flatMap(({ faults: each }) => each)]
    const texts = new Set(faults.filter(fault => fault !== undefined))
    return texts.size === 0 ? undefined : [...texts].join('; ')
  }

  /** The approximate memory of the records that are held until they are due. */
  get heldBytes(): number {
    return [...this.#tails].reduce((sum, tail) => sum + tail.heldBytes, 0)
  }

  async partitions(signal: AbortSignal): Promise<readonly Position[]> {
    if (this.#closing.signal.aborted) throw new DelayedLogError('the delayed log is closed: open it again')
    return this.#options.log.partitions(this.#untilClosed(signal))
  }

  async *tail(from: readonly Position[], signal: AbortSignal): AsyncGenerator<readonly LogBatch[], void> {
    const { log, delayMs, eventTimes, startTimer = startRealTimer } = this.#options
    const tail = new DelayedTail({
      log,
      delayMs,
      eventTimes,
      clock: this.#clock,
      startTimer,
      signal: this.#untilClosed(signal),
      onBatch: batch => this.#noteHead(batch),
    })
    this.#tails.add(tail)
    try {
      yield* tail.read(from)
    } finally {
      this.#tails.delete(tail)
    }
  }

  /** Ends at the last record that is due. */
  async *range(
    partition: Partition,
    from: number,
    to: number,
    signal: AbortSignal,
  ): AsyncGenerator<LogBatch, void> {
    const end = this.#untilClosed(signal)
    if (end.aborted) return
    const given = this.#heads.get(partition)?.offset ?? 0
    const head = to <= given ? given : (await this.ends(partition)).stable
    for await (const batch of this.#options.log.range(partition, from, Math.min(to, head), end)) {
      yield { ...batch, stable: Math.max(batch.to, Math.min(batch.stable, head)) }
    }
  }

  /**
   * `stable` is an offset before which everything is due: the furthest that a consumer has come, or else the
   * last record old enough whatever its event's time. `written` is where the log ends.
   */
  async ends(partition: Partition): Promise<Ends> {
    const { log } = this.#options
    const [{ first, stable: written }, due] = await Promise.all([
      log.ends(partition),
      log.offsetAt(partition, this.#oldEnoughMs),
    ])
    const given = this.#heads.get(partition)?.offset ?? 0
    return { first, stable: Math.max(first, Math.min(written, Math.max(due, given))), written }
  }

  async offsetAt(partition: Partition, timeMs: number): Promise<number> {
    const { log } = this.#options
    // Whatever lies before such a record is due.
    if (timeMs <= this.#oldEnoughMs) return log.offsetAt(partition, timeMs)
    const [offset, { stable }] = await Promise.all([log.offsetAt(partition, timeMs), this.ends(partition)])
    return Math.min(offset, stable)
  }

  append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]> {
    return this.#options.log.append(events)
  }

  /** Ends its tails and ranges. */
  async close(): Promise<void> {
    this.#closing.abort()
  }

  /** A record with an earlier timestamp is due, whatever its event's time. */
  get #oldEnoughMs(): number {
    const { delayMs, eventTimes } = this.#options
    return this.#clock.wall() - delayMs - (eventTimes === undefined ? 0 : maxEventAheadMs)
  }

  #noteHead({ partition, epoch, from, to }: LogBatch): void {
    const head = this.#heads.get(partition)
    const isBehind = head?.epoch === epoch && head.offset > to && from !== to
    if (!isBehind) this.#heads.set(partition, { epoch, offset: to })
  }

  #untilClosed(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal])
  }
}
