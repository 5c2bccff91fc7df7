import { setTimeout as pause } from 'node:timers/promises'
import { type Clock, readClock, writtenAt } from '../system/clock.ts'
import { type Channel, channelOfType, type MarketEvent, type News } from '../event/event.ts'
import { EventFault, isEventType } from '../event/parse-event.ts'
import type { Feed } from '../feed/feed.ts'
import type { EventLog, LogRecord, Partition, Position } from '../log/event-log.ts'
import { topicOfChannel, type Topics } from '../log/topics.ts'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import type { RecordDecoder } from './record-decoder.ts'

export interface LookBackOptions {
  readonly log: EventLog
  readonly feed: Feed
  readonly topics: Topics
  readonly records: RecordDecoder
  /** Records of each partition that may be read. */
  readonly lookBackRecords: number
  /** The time limit. */
  readonly lookBackMs: number
  readonly logger: WarnLog
  readonly clock: Clock
}

export interface LookBackCounts {
  /** Records read. */
  records: number
  /** Items whose last event was found. */
  items: number
  /** Items without an event when the search had ended. */
  missing: number
}

/** The channels in which every traded symbol has an event sooner or later. */
const expectedChannels = ['trades', 'quotes', 'bars', 'dailyBars', 'lulds'] as const

/** Records of the first step; each step is twice as long as the one before. */
const firstStep = 2048
const longestStep = 65_536
const partitionsAtOnce = 8
const retryMs = 500

/** How far back a partition has been read. */
interface LookBackProgress {
  /** Reading forwards begins here. */
  readonly start: Position
  readonly first: number
  offset: number
  step: number
  /** Records that may still be read. */
  budget: number
}

type Found = Map<string, { readonly event: Exclude<MarketEvent, News>; readonly writtenMs: number }>

/**
 * Searches for the last events of items that the warm-up did not find: step by step backwards through each
 * partition, until every known symbol has an event in each used channel of the topic, or a limit is reached.
 * New records may be read meanwhile: only items without an event get one.
 */
export class LookBack {
  readonly counts: LookBackCounts = { records: 0, items: 0, missing: 0 }
  readonly #options: LookBackOptions
  readonly #partitions: LookBackProgress[] = []
  readonly #channelsOf = new Map<string, Channel[]>()
  readonly #warnings: RateLimitedLog

  constructor(options: LookBackOptions) {
    this.#options = options
    this.#warnings = new RateLimitedLog(options.logger)
    for (const channel of expectedChannels) {
      const topic = topicOfChannel(channel, options.topics)
      this.#channelsOf.set(topic, [...(this.#channelsOf.get(topic) ?? []), channel])
    }
  }

  /** States that the ingest reads a partition, which begins at `first`, from `start` on. */
  addPartition(start: Position, first: number): void {
    const budget = this.#options.lookBackRecords
    this.#partitions.push({ start, first, offset: start.offset, step: firstStep, budget })
  }

  /** Searches. Resolves at the latest when a limit is reached or the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#options.lookBackMs)])
    for (;;) {
      const symbols = this.#countSymbols()
      const due = this.#partitions.filter(
        progress => hasMore(progress) && this.#hasMissingItems(progress, symbols),
      )
      // Older events never replace newer ones: a full cache ends the search.
      if (due.length === 0 || bounded.aborted || this.#options.feed.lastValues.items.isFull) break
      for (let index = 0; index < due.length; index += partitionsAtOnce) {
        const group = due.slice(index, index + partitionsAtOnce)
        await Promise.all(group.map(progress => this.#stepUntilRead(progress, bounded)))
      }
    }
    this.counts.missing = this.#countMissing()
  }

  #hasMissingItems({ start }: LookBackProgress, symbols: number): boolean {
    return this.#channelsInUse(start.partition.topic).some(channel => this.#itemsOf(channel).size < symbols)
  }

  #countMissing(): number {
    const symbols = this.#countSymbols()
    const inUse = [...this.#channelsOf.keys()].flatMap(topic => this.#channelsInUse(topic))
    return inUse.reduce((sum, channel) => sum + symbols - this.#itemsOf(channel).size, 0)
  }

  /** Counts the symbols with an event in an expected channel. */
  #countSymbols(): number {
    return new Set(expectedChannels.flatMap(channel => [...this.#itemsOf(channel).keys()])).size
  }

  /** Returns the channels of a topic that have any event: many feeds have no bars. */
  #channelsInUse(topic: string): Channel[] {
    return (this.#channelsOf.get(topic) ?? []).filter(channel => this.#itemsOf(channel).size > 0)
  }

  #itemsOf(channel: Channel): ReadonlyMap<string, unknown> {
    return this.#options.feed.lastValues.items.of(channel)
  }

  async #stepUntilRead(progress: LookBackProgress, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#step(progress, signal)
        return
      } catch (error) {
        this.#warnings.warn(
          { ...progress.start.partition, error: messageOf(error) },
          'a partition cannot be looked back through yet',
        )
        await pause(retryMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** Reads the records before those read so far, and gives their last events to items without one. */
  async #step(progress: LookBackProgress, signal: AbortSignal): Promise<void> {
    const { partition, epoch } = progress.start
    const to = progress.offset
    const from = Math.max(progress.first, to - Math.min(progress.step, progress.budget))
    const found: Found = new Map()
    let count = 0
    for await (const batch of this.#options.log.range(partition, from, to, signal)) {
      // The topic was recreated: the ingest reads it from its first offset.
      if (batch.epoch !== epoch) {
        progress.offset = progress.first
        return
      }
      await this.#options.records.prepare([batch], signal)
      for (const record of batch.records) {
        if (!this.#isKnown(record)) this.#collect(record, partition, found)
      }
      count += batch.records.length
    }
    // A step that was not read to its end may lack the last events of its items.
    if (signal.aborted) return
    this.#addFound(progress, found)
    this.counts.records += count
    progress.offset = from
    progress.budget -= count
    // A compacted partition has many offsets for few records.
    progress.step = Math.min(progress.step * 2, count < (to - from) / 2 ? to : longestStep)
  }

  /** Skips poison silently: at the first reading it is counted and logged. */
  #collect(record: LogRecord, partition: Partition, found: Found): void {
    const decoded = this.#options.records.decode(record, partition)
    if (decoded === undefined || decoded instanceof EventFault) return
    const { event } = decoded
    if (event.T === 'n') return
    const channel = channelOfType[event.T]
    if (this.#itemsOf(channel).has(event.S)) return
    const writtenMs = writtenAt(record.timestampMs, readClock(this.#options.clock))
    found.set(`${channel}/${event.S}`, { event, writtenMs })
  }

  /** Whether the item of a record has an event already, so that the record need not be decoded. */
  #isKnown(record: LogRecord): boolean {
    const item = this.#options.records.peek(record)
    if (item === undefined || !isEventType(item.type)) return false
    return this.#itemsOf(channelOfType[item.type]).has(item.symbol)
  }

  #addFound({ start }: LookBackProgress, found: Found): void {
    const { feed, clock } = this.#options
    const { lastValues } = feed
    feed.tick(clock.steady())
    const index = feed.numberOf(start.partition)
    for (const { event, writtenMs } of found.values()) {
      if (lastValues.addOlder(event, index, writtenMs)) this.counts.items++
    }
  }
}

function hasMore({ offset, first, budget }: LookBackProgress): boolean {
  return offset > first && budget > 0
}
