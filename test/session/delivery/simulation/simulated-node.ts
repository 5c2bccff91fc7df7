import type { Sessions } from '../../../../src/session/sessions.ts'
import { type MemoryLog, MemoryLogError, type MemoryPartition } from '../../../support/memory-log.ts'
import { createTestSessions, defaultLimits, overrides } from '../../../support/defaults.ts'
import type { FeedName, Settings } from './steps.ts'
import { SimulatedFeed } from './simulated-feed.ts'

const limits = { ...defaultLimits, ...overrides.readers }

/** One gateway on a log, with a live and a delayed feed: it reads when the test says so. */
export class SimulatedNode {
  readonly sessions: Sessions
  /** Faults of the node; that a topic was recreated while it was read is none. */
  readonly faults: unknown[] = []
  readonly #feeds: Readonly<Record<FeedName, SimulatedFeed>>

  constructor(log: MemoryLog, settings: Settings) {
    this.#feeds = {
      live: new SimulatedFeed('live', log, settings),
      delayed: new SimulatedFeed('delayed', log, settings),
    }
    const { live, delayed } = this.#feeds
    this.sessions = createTestSessions(limits, {
      feed: live.feed,
      feeds: [live, delayed],
      onFault: error => {
        if (!(error instanceof MemoryLogError)) this.faults.push(error)
      },
    })
  }

  feed(name: FeedName): SimulatedFeed {
    return this.#feeds[name]
  }

  get #all(): readonly SimulatedFeed[] {
    return Object.values(this.#feeds)
  }

  /** How many readers count as behind, and the audiences of all feeds. */
  get left(): { readonly behind: number; readonly audiences: number } {
    const behind = [...this.sessions.feeds].flatMap(({ readers }) => Object.values(readers.behind))
    return {
      behind: behind.reduce((sum, count) => sum + count, 0),
      audiences: this.#all.reduce((sum, { feed }) => sum + feed.fanOut.audienceCount, 0),
    }
  }

  /** Each feed reads so many records of each of some partitions, of those that are due. */
  read(counts: readonly { readonly partition: MemoryPartition; readonly atMost: number }[]): void {
    for (const feed of this.#all) feed.read(counts)
  }

  readAll(): void {
    for (const feed of this.#all) feed.readAll()
  }

  noticeCut(partition: MemoryPartition): void {
    for (const feed of this.#all) feed.noticeCut(partition)
  }

  /** Time for everything that was read to be written has passed. */
  expectFlushed(): void {
    for (const { feed } of this.#all) {
      const { count } = feed.lastValues.batch
      if (count > 0)
        this.faults.push(
          new Error(`${feed.name}: ${count} events wait for longer than TICKER_FLUSH_DELAY_MS`),
        )
    }
  }
}
