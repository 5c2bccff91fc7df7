import { setTimeout } from 'node:timers/promises'
import type { Partition, Position } from '../../event-log.ts'
import type { Cluster } from '../connection/cluster.ts'

/** How long a result waits for a look-up. Then the epoch known so far is used. */
const defaultLookUpTimeoutMs = 3000

/**
 * Finds the incarnation of a topic in which an appended event lies. Kafka's answer names none, and the last
 * look-up may be some seconds old. An offset below one that was returned before can come only from a topic
 * that was recreated (or cut back), so the cluster is looked up first. One case remains unseen: a topic that
 * was recreated within these seconds and has already grown past the offsets returned before.
 */
export class AppendEpochs {
  readonly #cluster: Pick<Cluster, 'topic' | 'refresh'>
  readonly #lookUpTimeoutMs: number
  /** The lowest offset that proves nothing, by partition. */
  readonly #nextOffsets = new Map<Partition, number>()
  readonly #lookUps = new Map<Partition, Promise<void>>()

  constructor(cluster: Pick<Cluster, 'topic' | 'refresh'>, lookUpTimeoutMs = defaultLookUpTimeoutMs) {
    this.#cluster = cluster
    this.#lookUpTimeoutMs = lookUpTimeoutMs
  }

  /** The position of an event appended at `offset`. Must be called in the order of Kafka's answers. */
  async positionOf(partition: Partition, offset: number): Promise<Position> {
    const isRepeated = offset < (this.#nextOffsets.get(partition) ?? 0)
    this.#nextOffsets.set(partition, offset + 1)
    if (isRepeated) this.#lookUp(partition)
    await this.#lookUps.get(partition)
    const epoch = this.#cluster.topic(partition.topic)?.epoch ?? ''
    return { partition, epoch, offset }
  }

  #lookUp(partition: Partition): void {
    const timeout = new AbortController()
    const lookUp = Promise.race([
      this.#cluster.refresh(),
      setTimeout(this.#lookUpTimeoutMs, undefined, { signal: timeout.signal }),
    ])
      // A failure is logged. The append has succeeded all the same.
      .catch(() => {})
      .finally(() => {
        timeout.abort()
        if (this.#lookUps.get(partition) === lookUp) this.#lookUps.delete(partition)
      })
    this.#lookUps.set(partition, lookUp)
  }
}
