import type { BrokerConnection, KafkaClient } from '../connection/broker-connection.ts'
import type { Cluster } from '../connection/cluster.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { KafkaError } from '../kafka-error.ts'
import { RetryBackoff, unlessAborted } from '../retry.ts'
import { fetchCursors, type FetchCursorsOptions } from './fetch-cursors.ts'
import type { PartitionCursor } from './partition-cursor.ts'
import type { SilentPartitions } from './silent-partitions.ts'
import type { StableEnds } from './stable-ends.ts'
import { WakeSignal } from '../../wake-signal.ts'

/** A long poll without records ends after this time. A record ends it at once. */
const maxWaitMs = 500
const maxBytes = 4 * 1024 * 1024
const maxPartitionBytes = 1024 * 1024

export interface LeaderReaderOptions {
  /** The leader's broker id. */
  readonly broker: number
  readonly client: KafkaClient
  readonly cluster: Cluster
  readonly reporter: FaultReporter
  readonly stableEnds: StableEnds
  readonly silent: SilentPartitions
  readonly signal: AbortSignal
  /** Called with cursors that have batches for the consumer. */
  readonly onFetched: (cursors: readonly PartitionCursor[]) => void
  /** Called when the last look-up of the cluster turns out to be wrong. */
  readonly onStale: () => void
}

/**
 * Follows the partitions that one broker leads, with one long poll at a time over a connection of its own.
 * Fetches only when the consumer has taken everything of the last response, so at most one response waits.
 */
export class LeaderReader {
  readonly #options: LeaderReaderOptions
  readonly #wakeSignal = new WakeSignal()
  readonly #backoff = new RetryBackoff()
  /** In the order of the next fetch. */
  readonly #cursors = new Set<PartitionCursor>()
  /** Cursors that the broker refused, with the cluster's version at that time. */
  readonly #refused = new Map<PartitionCursor, number>()
  #fetched: readonly PartitionCursor[] = []
  #connection: BrokerConnection | undefined
  #isRetired = false

  constructor(options: LeaderReaderOptions) {
    this.#options = options
  }

  get #peer(): string {
    return `broker ${this.#options.broker}`
  }

  get isIdle(): boolean {
    return this.#cursors.size === 0
  }

  add(cursor: PartitionCursor): void {
    this.#cursors.add(cursor)
    this.wake()
  }

  remove(cursor: PartitionCursor): void {
    this.#cursors.delete(cursor)
    this.#refused.delete(cursor)
    this.#options.stableEnds.leave(cursor)
  }

  /** Tells the reader that the consumer has taken everything, or that the cluster was looked up. */
  wake(): void {
    this.#wakeSignal.notify()
  }

  /** Ends `run`, since another broker leads the partitions now. */
  retire(): void {
    this.#isRetired = true
    this.wake()
  }

  /** Resolves when the signal has aborted or the reader was retired. */
  async run(): Promise<void> {
    const { signal } = this.#options
    const end = () => {
      this.#close()
      this.wake()
    }
    signal.addEventListener('abort', end, { once: true })
    while (!signal.aborted && !this.#isRetired) {
      const cursors = this.#fetchable()
      if (cursors.length > 0) await this.#read(cursors)
      else await this.#wakeSignal.wait()
    }
    signal.removeEventListener('abort', end)
    this.#close()
    this.#options.reporter.reached(this.#peer)
  }

  /** The cursors to fetch; none while the last response waits for the consumer. */
  #fetchable(): PartitionCursor[] {
    // A cursor that went to another leader, or whose topic was recreated, is not waited for.
    if (this.#fetched.some(cursor => cursor.hasBatch && this.#cursors.has(cursor))) return []
    const { version } = this.#options.cluster
    return [...this.#cursors].filter(cursor => !cursor.hasBatch && this.#refused.get(cursor) !== version)
  }

  async #read(cursors: readonly PartitionCursor[]): Promise<void> {
    const { reporter, signal, onStale } = this.#options
    try {
      await this.#fetch(await this.#connected(), cursors)
      this.#backoff.reset()
    } catch (error) {
      if (signal.aborted) return
      this.#close()
      reporter.connectionFailed(error, this.#peer)
      onStale()
      await this.#backoff.wait(signal)
    }
  }

  async #fetch(connection: BrokerConnection, cursors: readonly PartitionCursor[]): Promise<void> {
    const { reporter, stableEnds, silent, cluster, onFetched, onStale } = this.#options
    const { version } = cluster
    const options: FetchCursorsOptions = {
      maxWaitMs,
      maxBytes,
      maxPartitionBytes,
      reporter,
      isWanted: cursor => this.#cursors.has(cursor),
      onAnswer: (cursor, fetched) => {
        stableEnds.observe(cursor, fetched)
        silent.answered(cursor)
        reporter.readable(cursor.partition)
      },
    }
    try {
      const refused = await fetchCursors(connection, cursors, options)
      reporter.reached(this.#peer)
      for (const [cursor, errorCode] of refused) {
        reporter.refused(cursor.partition, errorCode)
        this.#refused.set(cursor, version)
        stableEnds.leave(cursor)
      }
      if (refused.size > 0) onStale()
    } finally {
      this.#fetched = cursors.filter(cursor => cursor.hasBatch)
      if (this.#fetched.length > 0) onFetched(this.#fetched)
      this.#moveToEnd(this.#fetched)
    }
  }

  /** Brokers serve partitions in the request's order (KIP-74), so cursors just served move to the end. */
  #moveToEnd(served: readonly PartitionCursor[]): void {
    for (const cursor of served) if (this.#cursors.delete(cursor)) this.#cursors.add(cursor)
  }

  async #connected(): Promise<BrokerConnection> {
    if (this.#connection !== undefined) return this.#connection
    const { client, cluster, broker, signal } = this.#options
    const address = cluster.addressOf(broker)
    if (address === undefined) throw new KafkaError(`broker ${broker} is not in the cluster`)
    const connecting = client.connect(address)
    // The connection may come after this reader has ended.
    connecting.then(late => signal.aborted && late.close()).catch(() => {})
    this.#connection = await unlessAborted(connecting, signal)
    return this.#connection
  }

  #close(): void {
    this.#connection?.close()
    this.#connection = undefined
    for (const cursor of this.#cursors) this.#options.stableEnds.leave(cursor)
  }
}
