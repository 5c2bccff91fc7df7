import type { MarketEvent } from '../../event/event.ts'
import type { Position } from '../event-log.ts'
import { type Topics, recordKeyOf, topicOf } from '../topics.ts'
import { faultError } from './embedded-log-error.ts'
import type { LogFile } from './log-file.ts'
import type { PartitionStore } from './partition-store.ts'

/** An event, ready to be written to its partition. */
export interface EncodedEvent {
  readonly store: PartitionStore
  readonly key: Buffer
  readonly value: Buffer
}

/** What one transaction knows of the end of a partition that it writes to. */
interface Edge {
  end: number
  lastMs: number
}

/**
 * Writes events at the ends of their partitions. Offsets stay contiguous when other processes append to the same
 * file, because each transaction reads the ends anew. A record's time is the clock's, but never less than
 * that of the record before it in its partition, so that a time can be found by bisection.
 */
export class RecordWriter {
  readonly #file: LogFile
  readonly #topics: Topics
  readonly #clock: () => number
  readonly #storesOfTopic: ReadonlyMap<string, readonly PartitionStore[]>

  constructor(file: LogFile, topics: Topics, clock: () => number) {
    this.#file = file
    this.#topics = topics
    this.#clock = clock
    this.#storesOfTopic = Map.groupBy(file.stores, ({ partition }) => partition.topic)
  }

  /** The record of an event: its key, and its JSON text as the value. */
  encode(event: MarketEvent): EncodedEvent {
    const key = Buffer.from(recordKeyOf(event))
    const stores = this.#storesOfTopic.get(topicOf(event, this.#topics)) ?? []
    const store = stores[keyPartition(key, stores.length)]
    if (store === undefined) throw faultError(this.#file.path, 'damaged')
    return { store, key, value: Buffer.from(JSON.stringify(event)) }
  }

  /** Writes the events in one transaction, and gives their positions in order. Throws what SQLite throws. */
  write(events: readonly EncodedEvent[]): Position[] {
    const positions: Position[] = []
    this.#file.transact(() => {
      const nowMs = Math.floor(this.#clock())
      const edges = new Map<PartitionStore, Edge>()
      for (const { store, key, value } of events) {
        const edge = edges.get(store) ?? edgeOf(store, nowMs)
        edges.set(store, edge)
        store.insert({ offset: edge.end, timestampMs: edge.lastMs, key, value })
        positions.push({ partition: store.partition, epoch: this.#file.epoch, offset: edge.end })
        edge.end += 1
      }
      for (const [store, { end, lastMs }] of edges) store.setEnd(end, lastMs)
    })
    return positions
  }
}

function edgeOf(store: PartitionStore, nowMs: number): Edge {
  return { end: store.ends().stable, lastMs: Math.max(nowMs, store.lastMs()) }
}

/**
 * The partition of a key among `count`: FNV-1a, 32 bits
 * (http://www.isthe.com/chongo/tech/comp/fnv/). Not Kafka's hash: one symbol may have another number there.
 * It must never change: the events of a key would lose their order.
 */
export function keyPartition(key: Buffer, count: number): number {
  let hash = 0x811c9dc5
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % count
}
