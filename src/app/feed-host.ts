import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config/config.ts'
import { RateLimitedLog } from '../diagnostics/rate-limited-log.ts'
import { Feed } from '../feed/feed.ts'
import { ArrivalTimes } from '../history/arrival-times.ts'
import { openHistory, type SharedHistory } from '../history/shared-history.ts'
import { DeadLetters } from '../ingest/dead-letters.ts'
import { Ingest } from '../ingest/ingest.ts'
import { RecordDecoder } from '../ingest/record-decoder.ts'
import type { Decoder } from '../event/decoder.ts'
import type { Clock } from '../system/clock.ts'
import { createTickerV1Forms } from '../wire/ticker-v1-forms.ts'
import { openDeadLetterWriter, openLog, type OpenLog } from './open-log.ts'

interface FeedHostOptions {
  readonly decoder: Decoder
  readonly logger: FastifyBaseLogger
  readonly clock: Clock
}

/**
 * A feed with what it is made from: the log, the ingest that reads it, and the history that reads it again.
 */
export class FeedHost implements AsyncDisposable {
  readonly log: OpenLog
  readonly feed: Feed
  readonly history: SharedHistory
  readonly ingest: Ingest
  readonly deadLetters: DeadLetters
  readonly #reading = new AbortController()
  #ended: Promise<void> | undefined

  constructor(config: Config, { decoder, logger, clock }: FeedHostOptions) {
    this.log = openLog(config, logger)
    this.feed = createFeed(config, logger)
    const log = this.log.events
    const arrivals = new ArrivalTimes({ keptMs: config.limits.resumeMaxAgeMs, clock })
    const records = new RecordDecoder({ ...config.ingest, decoder, logger, clock })
    this.history = openHistory({ log, records, arrivals, clock })
    // When a partition is recreated or cut back, its cached events are no longer valid.
    this.feed.onPartition.add(({ partition }) => this.history.forget(partition))
    this.deadLetters = new DeadLetters({ writer: openDeadLetterWriter(config), logger })
    this.ingest = new Ingest({
      ...config.ingest,
      log,
      feed: this.feed,
      decoder,
      logger,
      clock,
      topics: config.topics,
      onPoison: this.deadLetters.add,
      onBatch: batch => arrivals.note(batch),
    })
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
    await Promise.all([this.log.events.close(), this.deadLetters.stop()])
  }
}

function createFeed({ ingest, limits }: Config, logger: FastifyBaseLogger): Feed {
  const feed = new Feed({
    maxItems: ingest.maxItems,
    window: { maxBytes: ingest.windowBytes, maxAgeMs: ingest.windowMs },
    flushDelayMs: limits.flushDelayMs,
    createForms: createTickerV1Forms,
  })
  const splitLog = new RateLimitedLog(logger)
  feed.lastValues.onSplitItem.add(({ item: { channel, symbol } }) =>
    splitLog.warn(
      { channel, symbol },
      'an item shows up in two partitions, so its order is lost: ' +
        'producers use different partitioners (README, for producers)',
    ),
  )
  return feed
}
