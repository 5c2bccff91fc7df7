import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import type { Decoder } from '../event/decoder.ts'
import { EventFault, type FaultReason, faultReasons, parseEvent } from '../event/parse-event.ts'
import type { MarketEvent } from '../event/event.ts'
import type { Feed } from '../fanout/feed.ts'
import type { EventLog, LogBatch, LogRecord, Partition, Position } from '../log/event-log.ts'
import { RateLimitedLog, type WarnLog } from '../rate-limited-log.ts'
import { messageOf } from '../ticker-error.ts'

export interface IngestOptions {
  readonly log: EventLog
  readonly feed: Feed
  readonly decoder: Decoder
  readonly maxEventBytes: number
  readonly warmUpRecords: number
  readonly logger: WarnLog
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

export interface IngestCounts {
  /** Records read, with those that are no events. */
  records: number
  /** Records that the decoder passed over without a fault. */
  ignored: number
  /** Poison records by reason: logged and passed over. */
  readonly poison: Record<FaultReason, number>
}

/** Reads the log into a feed: decode, check, mark, one flush per read. */
export class Ingest {
  readonly counts: IngestCounts = {
    records: 0,
    ignored: 0,
    poison: Object.fromEntries(faultReasons.map(reason => [reason, 0])) as Record<FaultReason, number>,
  }
  /** Called once per flush that delivered something: the age of its oldest record in ms. */
  onDelivered: (latencyMs: number) => void = () => undefined
  /** Resolves when every partition was read up to where it ended at start. */
  readonly ready: Promise<void>
  #becomeReady: () => void = () => undefined
  readonly #options: IngestOptions
  readonly #poisonLog: RateLimitedLog
  /** The partitions that have not reached the last stable offset they had at start, with that position. */
  #behind: Map<Partition, Position> | undefined
  /** Partitions whose beginning lies before the warm-up: their first record says how far back was looked. */
  readonly #cutShort = new Set<Partition>()

  constructor(options: IngestOptions) {
    this.#options = options
    this.#poisonLog = new RateLimitedLog(options.logger)
    this.ready = new Promise(resolve => {
      this.#becomeReady = resolve
    })
  }

  /** Whether every partition was read up to where it ended when the gateway started. */
  get isReady(): boolean {
    return this.#behind?.size === 0
  }

  /** Partitions still to be read up to where they ended at start; `undefined` before the log has answered. */
  get partitionsBehind(): number | undefined {
    return this.#behind?.size
  }

  /** Reads until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options
    const starts = await this.#chooseStarts(await log.partitions(signal))
    for await (const batches of log.tail(starts, signal)) {
      await this.#prepare(batches)
      this.#take(batches)
      await nextLoopTurn()
    }
  }

  /** Begins the last `warmUpRecords` records before the end of each partition. */
  async #chooseStarts(firsts: readonly Position[]): Promise<Position[]> {
    const { log, feed, warmUpRecords } = this.#options
    const behind = new Map<Partition, Position>()
    const starts: Position[] = []
    for (const position of firsts) {
      const { first, stable } = await log.ends(position.partition)
      const start = { ...position, offset: Math.max(first, stable - warmUpRecords) }
      if (start.offset > first) this.#cutShort.add(position.partition)
      if (start.offset < stable) behind.set(position.partition, { ...position, offset: stable })
      feed.advance(start, stable)
      starts.push(start)
    }
    this.#behind = behind
    if (this.isReady) this.#becomeReady()
    return starts
  }

  /** Before anything of the batches is taken in, since nothing may come between marking and flushing. */
  async #prepare(batches: readonly LogBatch[]): Promise<void> {
    const { decoder } = this.#options
    if (decoder.prepare === undefined) return
    try {
      for (const batch of batches) await decoder.prepare(batch.records)
    } catch (error) {
      this.#poisonLog.warn({ error: messageOf(error) }, 'the decoder module failed to prepare a batch')
    }
  }

  #take(batches: readonly LogBatch[]): void {
    const { feed, now = Date.now } = this.#options
    const { deliveries } = feed.fanout.counts
    let oldestMs = Number.POSITIVE_INFINITY
    for (const batch of batches) {
      const [first] = batch.records
      if (first !== undefined) oldestMs = Math.min(oldestMs, first.timestampMs)
      this.#takeBatch(batch)
    }
    feed.flush()
    if (feed.fanout.counts.deliveries > deliveries) this.onDelivered(Math.max(0, now() - oldestMs))
  }

  #takeBatch(batch: LogBatch): void {
    const { feed } = this.#options
    const { partition, epoch, to, stable } = batch
    const index = feed.indexOf(partition)
    this.#noteLookBack(batch)
    for (const record of batch.records) {
      const event = this.#decode(record)
      if (event instanceof EventFault) this.#poison(event, partition, record)
      else if (event === undefined) this.counts.ignored++
      else if (!feed.add(event, index, record.timestampMs)) this.#poison(tooManyItems, partition, record)
    }
    this.counts.records += batch.records.length
    feed.advance({ partition, epoch, offset: to }, stable)
    this.#noteProgress({ partition, epoch, offset: to })
  }

  /** A topic that was made again meanwhile has nothing left to catch up with. */
  #noteProgress({ partition, epoch, offset }: Position): void {
    const end = this.#behind?.get(partition)
    if (end === undefined || (end.epoch === epoch && offset < end.offset)) return
    this.#behind?.delete(partition)
    if (this.isReady) this.#becomeReady()
  }

  #decode(record: LogRecord): MarketEvent | EventFault | undefined {
    const { decoder, maxEventBytes } = this.#options
    const bytes = record.value?.length ?? 0
    if (bytes > maxEventBytes) {
      return new EventFault('size', {
        field: 'bytes',
        value: bytes,
        rule: `at most ${maxEventBytes} (TICKER_MAX_EVENT_BYTES)`,
      })
    }
    try {
      const value = decoder.decode(record)
      return value === undefined ? undefined : parseEvent(value)
    } catch (error) {
      const reason = error instanceof SyntaxError ? 'syntax' : 'decoder'
      return new EventFault(reason, {
        field: 'value',
        value: messageOf(error),
        rule: 'expected what the decoder takes',
      })
    }
  }

  #poison(fault: EventFault, partition: Partition, record: LogRecord): void {
    this.counts.poison[fault.reason]++
    this.#poisonLog.warn(
      { ...partition, offset: record.offset, reason: fault.reason, rule: fault.rule },
      'poison record passed over',
    )
  }

  #noteLookBack({ partition, records: [first] }: LogBatch): void {
    if (first === undefined || !this.#cutShort.delete(partition)) return
    const { feed } = this.#options
    feed.lookedBackToMs = Math.max(feed.lookedBackToMs ?? 0, first.timestampMs)
  }
}

const tooManyItems = new EventFault('items', {
  field: 'item',
  rule: 'this node has as many items as it may (TICKER_MAX_ITEMS)',
})
