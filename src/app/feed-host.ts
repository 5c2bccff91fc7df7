import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config/config.ts'
import type { FeedConfig } from '../config/kinds/feed-kinds.ts'
import { RateLimitedLog } from '../diagnostics/rate-limited-log.ts'
import { Feed } from '../feed/feed.ts'
import { type OutageReport, reportOutage } from '../feed/outage.ts'
import { ArrivalTimes } from '../history/arrival-times.ts'
import { openHistory, type SharedHistory } from '../history/shared-history.ts'
import type { DeadLetters } from '../ingest/dead-letters.ts'
import { createEventTimes } from '../ingest/event-times.ts'
import { Ingest } from '../ingest/ingest.ts'
import { RecordDecoder } from '../ingest/record-decoder.ts'
import type { Decoder } from '../event/decoder.ts'
import { DelayedLog } from '../log/delayed-log.ts'
import type { EventLog } from '../log/event-log.ts'
import { type Clock, readClock } from '../system/clock.ts'
import { createTickerV1Forms } from '../wire/ticker-v1-forms.ts'

export interface FeedHostParts {
  readonly decoder: Decoder
  readonly logger: FastifyBaseLogger
  readonly clock: Clock
}

interface FeedHostOptions extends FeedHostParts {
  /** The log of the node, which the feed reads with its delay. Its owner closes it. */
  readonly log: EventLog
  readonly feed: FeedConfig
  /**
   * Where poison records are copied to; `undefined` for a feed that reads what another one reports: it copies
   * none, and logs nothing of single records.
   */
  readonly deadLetters: DeadLetters | undefined
}

/** One feed with what it is made from: its ingest, and its history, which reads the log again. */
export class FeedHost implements AsyncDisposable {
  readonly feed: Feed
  readonly history: SharedHistory
  readonly ingest: Ingest
  readonly #clock: Clock
  /** Of a feed with a delay. */
  readonly #delayedLog: DelayedLog | undefined
  readonly #reading = new AbortController()
  #ended: Promise<void> | undefined

  constructor(config: Config, options: FeedHostOptions) {
    const { decoder, logger, clock, deadLetters } = options
    const { delayMs } = options.feed
    const recordLog = deadLetters === undefined ? { warn: () => undefined } : logger
    this.#clock = clock
    this.feed = createFeed(config, options.feed, recordLog)
    const arrivals = new ArrivalTimes({ keptMs: config.limits.resumeMaxAgeMs, clock })
    const createRecords = (): RecordDecoder => new RecordDecoder({ ...config.ingest, decoder, logger, clock })
    if (delayMs > 0) {
      const eventTimes = createEventTimes(createRecords())
      this.#delayedLog = new DelayedLog({ log: options.log, delayMs, eventTimes, clock })
    }
    const log = this.#delayedLog ?? options.log
    const records = createRecords()
    this.history = openHistory({ log, records, arrivals, clock })
    // When a partition is recreated or cut back, its cached events are no longer valid.
    this.feed.onPartition.add(({ partition }) => this.history.forget(partition))
    this.ingest = new Ingest({
      ...config.ingest,
      log,
      feed: this.feed,
      decoder,
      logger,
      recordLog,
      clock,
      topics: config.topics,
      ...(deadLetters && { onPoison: deadLetters.add }),
      onBatch: batch => arrivals.note(batch),
    })
  }

  get name(): string {
    return this.feed.name
  }

  /** The memory of records that are held until they are due. */
  get heldBytes(): number {
    return this.#delayedLog?.heldBytes ?? 0
  }

  /** Why clients of the feed should connect later; `undefined` when it is warmed up. */
  get notReadyReason(): string | undefined {
    return this.ingest.notReadyReason
  }

  /** Why the log is not read for the feed at the moment; `undefined` while it is. */
  outage(): OutageReport | undefined {
    const current = this.feed.outage()
    return current && reportOutage(current, readClock(this.#clock))
  }

  /** Reads the log from the first call on, until disposal. Rejects when a fault of ours ends reading. */
  read(): Promise<void> {
    const { signal } = this.#reading
    this.#ended ??= this.ingest.run(signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    return this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reading.abort()
    await this.#ended?.catch(() => undefined)
    await this.#delayedLog?.close()
  }
}

function createFeed(
  { ingest, limits }: Config,
  identity: FeedConfig,
  recordLog: Pick<FastifyBaseLogger, 'warn'>,
): Feed {
  const feed = new Feed({
    ...identity,
    maxItems: ingest.maxItems,
    window: { maxBytes: ingest.windowBytes, maxAgeMs: ingest.windowMs },
    flushDelayMs: limits.flushDelayMs,
    createForms: createTickerV1Forms,
  })
  const splitLog = new RateLimitedLog(recordLog)
  feed.lastValues.onSplitItem.add(({ item: { channel, symbol } }) =>
    splitLog.warn(
      { channel, symbol },
      'an item shows up in two partitions, so its order is lost: ' +
        'producers use different partitioners (README, for producers)',
    ),
  )
  return feed
}
