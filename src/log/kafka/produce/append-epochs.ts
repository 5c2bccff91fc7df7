import { setTimeout } from 'node:timers/promises'
import type { Partition, Position } from '../../event-log.ts'
import type { Cluster } from '../connection/cluster.ts'

/** So long an answer waits for a look-up; then what is known is told. */
const defaultPatienceMs = 3000

/**
 * Says in which incarnation of a topic an appended event lies. Kafka's answer names none, and what is known of the topics may
 * be some seconds old. An offset that was told before can come only from a topic that was made again (or cut back): then the
 * cluster is looked up first. What stays unseen is a topic made again in these seconds that has grown past the offsets told.
 */
export class AppendEpochs {
  readonly #cluster: Pick<Cluster, 'topic' | 'refresh'>
  readonly #patienceMs: number
  /** The next offset that may be told, by partition. */
  readonly #ends = new Map<Partition, number>()
  readonly #lookUps = new Map<Partition, Promise<void>>()

  constructor(cluster: Pick<Cluster, 'topic' | 'refresh'>, patienceMs = defaultPatienceMs) {
    this.#cluster = cluster
    this.#patienceMs = patienceMs
  }

  /** The position of an event that was appended at an offset; to be asked in the order of the answers. */
  async positionOf(partition: Partition, offset: number): Promise<Position> {
    const isKnown = offset < (this.#ends.get(partition) ?? 0)
    this.#ends.set(partition, offset + 1)
    if (isKnown) this.#lookUp(partition)
    await this.#lookUps.get(partition)
    const epoch = this.#cluster.topic(partition.topic)?.epoch ?? ''
    return { partition, epoch, offset }
  }

  #lookUp(partition: Partition): void {
    const patience = new AbortController()
    const looking = Promise.race([
      this.#cluster.refresh(),
      setTimeout(this.#patienceMs, undefined, { signal: patience.signal }),
    ])
      // Its failure is logged; the append has succeeded all the same.
      .catch(() => {})
      .finally(() => {
        patience.abort()
        if (this.#lookUps.get(partition) === looking) this.#lookUps.delete(partition)
      })
    this.#lookUps.set(partition, looking)
  }
}
