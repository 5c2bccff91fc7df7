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
  /** How many records of each partition may be read. */
  readonly lookBackRecords: number
  /** How long it may take. */
  readonly lookBackMs: number
  readonly logger: WarnLog
  readonly clock: Clock
}

export interface LookBackCounts {
  /** Records read. */
  records: number
  /** Items that got their last event by it. */
  items: number
  /** Items that still have none, now that it is over. */
  missing: number
}

/** The channels in which a symbol that trades at all has an event sooner or later. */
const expectedChannels = ['trades', 'quotes', 'bars', 'dailyBars', 'lulds'] as const

/** Records of the first step; each further one is twice as long. */
const firstStep = 2048
const longestStep = 65_536
const partitionsAtOnce = 8
const retryMs = 500

/** How far back a partition has been read. */
interface LookBackProgress {
  readonly start: Position
  readonly first: number
  offset: number
  step: number
  /** Records that may still be read. */
  budget: number
}

type Found = Map<string, { readonly event: Exclude<MarketEvent, News>; readonly writtenMs: number }>

/**
 * Looks for the last events of items that the warm-up did not meet: step by step backwards through each partition,
 * until every symbol that is known has an event in each of its topic's channels that is in use, or a bound is reached.
 * Reading of what is new may go on meanwhile: only items that have no event yet get one.
 */
export class LookBack {
  readonly counts: LookBackCounts = { records: 0, items: 0, missing: 0 }
  readonly #options: LookBackOptions
  readonly #reaches: LookBackProgress[] = []
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

  /** States that a partition, which begins at `first`, is read from `start` on by somebody else. */
  from(start: Position, first: number): void {
    const budget = this.#options.lookBackRecords
    this.#reaches.push({ start, first, offset: start.offset, step: firstStep, budget })
  }

  /** Resolves when it is over, by a bound or by `signal` at the latest. */
  async run(signal: AbortSignal): Promise<void> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#options.lookBackMs)])
    for (;;) {
      const symbols = this.#countSymbols()
      const due = this.#reaches.filter(reach => hasMore(reach) && this.#lacks(reach, symbols))
      // What is found further back takes no place of what is newer.
      if (due.length === 0 || bounded.aborted || this.#options.feed.lastValues.items.isFull) break
      for (let index = 0; index < due.length; index += partitionsAtOnce) {
        const group = due.slice(index, index + partitionsAtOnce)
        await Promise.all(group.map(reach => this.#stepUntilRead(reach, bounded)))
      }
    }
    this.counts.missing = this.#countMissing()
  }

  #lacks({ start }: LookBackProgress, symbols: number): boolean {
    return this.#channelsInUse(start.partition.topic).some(channel => this.#itemsOf(channel).size < symbols)
  }

  #countMissing(): number {
    const symbols = this.#countSymbols()
    const inUse = [...this.#channelsOf.keys()].flatMap(topic => this.#channelsInUse(topic))
    return inUse.reduce((sum, channel) => sum + symbols - this.#itemsOf(channel).size, 0)
  }

  /** All symbols that have had an event in an expected channel. */
  #countSymbols(): number {
    return new Set(expectedChannels.flatMap(channel => [...this.#itemsOf(channel).keys()])).size
  }

  /** Of the channels that a topic carries, those that have any event: many feeds have no bars. */
  #channelsInUse(topic: string): Channel[] {
    return (this.#channelsOf.get(topic) ?? []).filter(channel => this.#itemsOf(channel).size > 0)
  }

  #itemsOf(channel: Channel): ReadonlyMap<string, unknown> {
    return this.#options.feed.lastValues.items.of(channel)
  }

  async #stepUntilRead(reach: LookBackProgress, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#step(reach, signal)
        return
      } catch (error) {
        this.#warnings.warn(
          { ...reach.start.partition, error: messageOf(error) },
          'a partition cannot be looked back through yet',
        )
        await pause(retryMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** Reads the piece of the log before the reach, and gives its last events to the items that have none. */
  async #step(reach: LookBackProgress, signal: AbortSignal): Promise<void> {
    const { partition, epoch } = reach.start
    const to = reach.offset
    const from = Math.max(reach.first, to - Math.min(reach.step, reach.budget))
    const found: Found = new Map()
    let count = 0
    for await (const batch of this.#options.log.range(partition, from, to, signal)) {
      // The topic was made again: what is in it now is read from its first offset.
      if (batch.epoch !== epoch) {
        reach.offset = reach.first
        return
      }
      await this.#options.records.prepare([batch], signal)
      for (const record of batch.records) {
        if (!this.#isKnown(record)) this.#consider(record, partition, found)
      }
      count += batch.records.length
    }
    // What was not read to its end may lack the last events of what was found.
    if (signal.aborted) return
    this.#keep(reach, found)
    this.counts.records += count
    reach.offset = from
    reach.budget -= count
    // A compacted partition has many offsets for few records.
    reach.step = Math.min(reach.step * 2, count < (to - from) / 2 ? to : longestStep)
  }

  /** Records that cannot be read are passed over without a word: who read them first has counted and logged them. */
  #consider(record: LogRecord, partition: Partition, found: Found): void {
    const decoded = this.#options.records.decode(record, partition)
    if (decoded === undefined || decoded instanceof EventFault) return
    const { event } = decoded
    if (event.T === 'n') return
    const channel = channelOfType[event.T]
    if (this.#itemsOf(channel).has(event.S)) return
    const writtenMs = writtenAt(record.timestampMs, readClock(this.#options.clock))
    found.set(`${channel}/${event.S}`, { event, writtenMs })
  }

  /** Whether a record is of an item that has an event: it need not be decoded. */
  #isKnown(record: LogRecord): boolean {
    const item = this.#options.records.peek(record)
    if (item === undefined || !isEventType(item.type)) return false
    return this.#itemsOf(channelOfType[item.type]).has(item.symbol)
  }

  #keep({ start }: LookBackProgress, found: Found): void {
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
