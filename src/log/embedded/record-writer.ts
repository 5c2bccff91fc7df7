import type { Clock } from '../../system/clock.ts'
import type { MarketEvent } from '../../event/event.ts'
import type { Position } from '../event-log.ts'
import { recordKeyOf, topicOf, type Topics } from '../topics.ts'
import { faultError } from './embedded-log-error.ts'
import type { LogFile } from './log-file.ts'
import type { PartitionStore } from './partition-store.ts'

/** An event, ready to be written to its partition. */
export interface EncodedEvent {
  readonly store: PartitionStore
  readonly key: Buffer
  readonly value: Buffer
}

/** The end of a partition, while one transaction writes to it. */
interface PartitionEnd {
  offset: number
  lastMs: number
}

/**
 * Writes events at the ends of their partitions. Each transaction reads the ends anew, so offsets stay
 * contiguous when other processes append to the same file. A record's time is the wall clock's, but never
 * before that of the record before it in its partition, so that a time can be found by bisection.
 */
export class RecordWriter {
  readonly #file: LogFile
  readonly #topics: Topics
  readonly #clock: Clock
  readonly #storesOfTopic: ReadonlyMap<string, readonly PartitionStore[]>

  constructor(file: LogFile, topics: Topics, clock: Clock) {
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

  /** Writes the events in one transaction, and returns their positions in order. Throws SQLite's errors. */
  write(events: readonly EncodedEvent[]): Position[] {
    const positions: Position[] = []
    this.#file.transact(() => {
      const nowMs = Math.floor(this.#clock.wall())
      const ends = new Map<PartitionStore, PartitionEnd>()
      for (const { store, key, value } of events) {
        const end = ends.get(store) ?? endOf(store, nowMs)
        ends.set(store, end)
        store.insert({ offset: end.offset, timestampMs: end.lastMs, key, value })
        positions.push({ partition: store.partition, epoch: this.#file.epoch, offset: end.offset })
        end.offset += 1
      }
      for (const [store, { offset, lastMs }] of ends) store.setEnd(offset, lastMs)
    })
    return positions
  }
}

function endOf(store: PartitionStore, nowMs: number): PartitionEnd {
  return { offset: store.ends().stable, lastMs: Math.max(nowMs, store.lastMs()) }
}

/**
 * The partition of a key among `count`: FNV-1a, 32 bits
 * (http://www.isthe.com/chongo/tech/comp/fnv/). Not Kafka's hash, so a symbol may have another number there.
 * It must never change, or the events of a key would lose their order.
 */
export function keyPartition(key: Buffer, count: number): number {
  let hash = 0x811c9dc5
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % count
}
