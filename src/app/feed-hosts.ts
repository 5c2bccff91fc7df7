import type { Config } from '../config/config.ts'
import type { FeedConfig } from '../config/kinds/feed-kinds.ts'
import type { Feed } from '../feed/feed.ts'
import { FeedDirectory } from '../feed/feed-directory.ts'
import type { FeedOutage } from '../http/operations.ts'
import { DeadLetters } from '../ingest/dead-letters.ts'
import { FeedHost, type FeedHostParts } from './feed-host.ts'
import { openDeadLetterWriter, openLog, type OpenLog } from './open-log.ts'

/** The feeds of a node over its one log. */
export class FeedHosts implements AsyncDisposable {
  readonly log: OpenLog
  readonly deadLetters: DeadLetters
  /** The first is for clients that name none. */
  readonly all: readonly [FeedHost, ...FeedHost[]]
  readonly feeds: FeedDirectory<Feed>
  /** Resolves when every feed is warmed up. */
  readonly ready: Promise<unknown>
  #reading: Promise<void> | undefined

  constructor(config: Config, parts: FeedHostParts) {
    const { logger } = parts
    const [first, ...others] = config.feeds
    this.log = openLog(config, logger)
    const deadLetters = new DeadLetters({ writer: openDeadLetterWriter(config), logger })
    this.deadLetters = deadLetters
    const open = (feed: FeedConfig, reports?: DeadLetters): FeedHost => {
      const ownLogger = others.length === 0 ? logger : logger.child({ feed: feed.name })
      return new FeedHost(config, {
        ...parts,
        logger: ownLogger,
        log: this.log.events,
        feed,
        deadLetters: reports,
      })
    }
    // All feeds read the same records: the first reports those with a fault.
    this.all = [open(first, deadLetters), ...others.map(feed => open(feed))]
    const [firstHost, ...otherHosts] = this.all
    this.feeds = new FeedDirectory([firstHost.feed, ...otherHosts.map(({ feed }) => feed)])
    this.ready = Promise.all(this.all.map(({ ingest }) => ingest.warmUp.ready))
  }

  /** Why the node should get no connections yet: the reason of each feed that is not warmed up. */
  get notReadyReason(): string | undefined {
    const reasons = this.all.flatMap(({ name, notReadyReason }) => {
      if (notReadyReason === undefined) return []
      return [this.all.length === 1 ? notReadyReason : `feed ${name}: ${notReadyReason}`]
    })
    return reasons.length === 0 ? undefined : reasons.join('; ')
  }

  /** Whether a feed is warmed up. */
  isReady(name: string): boolean {
    return this.all.some(host => host.name === name && host.notReadyReason === undefined)
  }

  /** The outages of the feeds that are not read at the moment. */
  outages(): FeedOutage[] {
    return this.all.flatMap(host => {
      const outage = host.outage()
      return outage === undefined ? [] : [{ feed: host.name, ...outage }]
    })
  }

  /** Reads the log from the first call on, until disposal. Rejects when a fault of ours ends reading. */
  read(): Promise<void> {
    this.#reading ??= Promise.all(this.all.map(host => host.read())).then(() => undefined)
    return this.#reading
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map(host => host[Symbol.asyncDispose]()))
    await Promise.all([this.log.events.close(), this.deadLetters.stop()])
  }
}
