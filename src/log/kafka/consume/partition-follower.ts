import type { Partition, Position } from '../../event-log.ts'
import type { KafkaClient } from '../connection/broker-connection.ts'
import type { Cluster } from '../connection/cluster.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { RetryBackoff, unlessAborted } from '../retry.ts'
import { LeaderReader } from './leader-reader.ts'
import { PartitionCursor } from './partition-cursor.ts'
import type { SilentPartitions } from './silent-partitions.ts'
import type { StableEnds } from './stable-ends.ts'
import { WakeSignal } from '../../wake-signal.ts'

export interface PartitionFollowerOptions {
  readonly client: KafkaClient
  readonly cluster: Cluster
  readonly reporter: FaultReporter
  readonly stableEnds: StableEnds
  readonly silent: SilentPartitions
  readonly from: readonly Position[]
  /** How often to look for topics and partitions that are new or were recreated. */
  readonly lookUpIntervalMs: number
  readonly signal: AbortSignal
  /** Called with cursors that have batches for the consumer. */
  readonly onFetched: (cursors: readonly PartitionCursor[]) => void
}

/** Keeps a cursor for each partition and a reader for each leader, as the cluster changes. */
export class PartitionFollower {
  readonly #options: PartitionFollowerOptions
  /** The positions where the consumer wants to start, until their partitions are found. */
  readonly #starts: Map<Partition, Position>
  readonly #cursors = new Map<Partition, PartitionCursor>()
  /** By the leader's broker id. */
  readonly #readers = new Map<number, LeaderReader>()
  readonly #readerOf = new Map<PartitionCursor, LeaderReader>()
  readonly #running = new Set<Promise<void>>()
  /** Notified when the last look-up turns out to be wrong. */
  readonly #stale = new WakeSignal()
  readonly #backoff = new RetryBackoff()

  constructor(options: PartitionFollowerOptions) {
    this.#options = options
    const { from, cluster } = options
    this.#starts = new Map(
      from.map(start => [cluster.partition(start.partition.topic, start.partition.partition), start]),
    )
  }

  /** Whether the cursor reads the present incarnation of its topic. */
  isCurrent(cursor: PartitionCursor): boolean {
    return this.#cursors.get(cursor.partition) === cursor
  }

  /** Makes the readers fetch again whose cursors are empty. */
  wake(): void {
    for (const reader of this.#readers.values()) reader.wake()
  }

  /** Resolves when the signal has aborted and every reader has ended. */
  async run(): Promise<void> {
    const { signal, lookUpIntervalMs } = this.#options
    const end = () => this.#stale.notify()
    signal.addEventListener('abort', end, { once: true })
    while (!signal.aborted) {
      if (!(await this.#lookUp())) await this.#backoff.wait(signal)
      else if (await this.#stale.wait(lookUpIntervalMs)) await this.#backoff.wait(signal)
      else this.#backoff.reset()
    }
    signal.removeEventListener('abort', end)
    await Promise.all(this.#running)
    for (const cursor of this.#cursors.values()) {
      this.#options.silent.unfollow(cursor)
      this.#options.reporter.readable(cursor.partition)
    }
  }

  async #lookUp(): Promise<boolean> {
    const { cluster, signal } = this.#options
    try {
      await unlessAborted(cluster.refresh(), signal)
    } catch {
      // The cluster has logged it.
      return false
    }
    this.#openCursors()
    this.#closeGone()
    const changes = [...this.#cursors.values()].filter(cursor => this.#assign(cursor))
    // After a change, the next look-up is not a repetition of this one.
    if (changes.length > 0) this.#backoff.reset()
    this.#retireReaders()
    this.wake()
    return true
  }

  #openCursors(): void {
    const { cluster } = this.#options
    for (const { topic, epoch, partitions } of cluster.topics) {
      for (const { partition } of partitions) this.#open(cluster.partition(topic, partition), epoch)
    }
  }

  /** Closes the cursors of partitions that their topic no longer has since it was recreated. */
  #closeGone(): void {
    const { cluster, reporter } = this.#options
    for (const cursor of this.#cursors.values()) {
      const { partition, epoch } = cursor
      const topic = cluster.topic(partition.topic)
      if (topic === undefined || topic.epoch === epoch) continue
      this.#close(cursor)
      reporter.readable(partition)
    }
  }

  #close(cursor: PartitionCursor): void {
    this.#readerOf.get(cursor)?.remove(cursor)
    this.#readerOf.delete(cursor)
    this.#cursors.delete(cursor.partition)
    this.#options.silent.unfollow(cursor)
  }

  #open(partition: Partition, epoch: string): void {
    const { reporter, silent } = this.#options
    const former = this.#cursors.get(partition)
    if (former?.epoch === epoch) return
    if (former !== undefined) this.#close(former)
    const wanted = this.#starts.get(partition)
    this.#starts.delete(partition)
    const before = former?.epoch ?? wanted?.epoch ?? epoch
    if (before !== epoch) reporter.recreated(partition, { before, now: epoch })
    const start = wanted?.epoch === epoch ? wanted.offset : 'first'
    const announcesStart = before !== epoch
    const cursor = new PartitionCursor({ partition, epoch, start, announcesStart, reporter })
    this.#cursors.set(partition, cursor)
    silent.follow(cursor)
  }

  /** Gives a cursor to its leader's reader, or to none. Returns whether that has changed. */
  #assign(cursor: PartitionCursor): boolean {
    const { cluster } = this.#options
    const leader = cluster.leaderOf(cursor.partition)
    const hasTopic = cluster.topic(cursor.partition.topic) !== undefined
    if (leader === undefined && hasTopic) this.#stale.notify()
    const before = this.#readerOf.get(cursor)
    const now = leader === undefined ? undefined : this.#reader(leader)
    if (before === now) return false
    before?.remove(cursor)
    now?.add(cursor)
    if (now === undefined) this.#readerOf.delete(cursor)
    else this.#readerOf.set(cursor, now)
    return true
  }

  #reader(broker: number): LeaderReader {
    const known = this.#readers.get(broker)
    if (known !== undefined) return known
    const reader = new LeaderReader({ ...this.#options, broker, onStale: () => this.#stale.notify() })
    this.#readers.set(broker, reader)
    const running = reader.run().finally(() => this.#running.delete(running))
    this.#running.add(running)
    return reader
  }

  #retireReaders(): void {
    for (const [broker, reader] of this.#readers) {
      if (!reader.isIdle) continue
      reader.retire()
      this.#readers.delete(broker)
    }
  }
}
