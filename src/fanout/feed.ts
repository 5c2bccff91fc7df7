import type { MarketEvent } from '../event/event.ts'
import type { Partition, Position } from '../event/position.ts'
import { type Origin, Tape } from '../tape/tape.ts'
import { Fanout } from './fanout.ts'

/** How far a feed has read a partition, and how far it could have. */
export interface FeedPosition extends Position {
  /** Last stable offset known. */
  readonly stable: number
}

/** A log as its subscribers see it: what was read (the tape), up to where, and who receives it (the fan-out). */
export class Feed {
  readonly tape: Tape
  readonly fanout: Fanout
  /** Everything since this time (ms since 1970) has been read; `undefined`: everything the log still has. */
  lookedBackToMs: number | undefined
  readonly #positions = new Map<Partition, FeedPosition>()
  readonly #indices = new Map<Partition, number>()
  #indexCount = 0

  constructor(options: { readonly maxItems: number }) {
    this.tape = new Tape(options)
    this.fanout = new Fanout(this.tape.items)
  }

  /** The next position of every partition, in the order in which the partitions were first seen. */
  positions(): FeedPosition[] {
    return [...this.#positions.values()]
  }

  /** How many records the log holds that were not read yet, as far as the last read told. */
  get lag(): number {
    let lag = 0
    for (const { stable, offset } of this.#positions.values()) lag += Math.max(0, stable - offset)
    return lag
  }

  /** The next position of one partition; `undefined` before anything was stated of it. */
  positionOf(partition: Partition): FeedPosition | undefined {
    return this.#positions.get(partition)
  }

  /** States how far a partition has been read. Another epoch means that its topic was made again: what was known of it is forgotten. */
  advance(position: Position, stable: number): void {
    const { partition, epoch } = position
    const former = this.#positions.get(partition)
    if (former !== undefined && former.epoch !== epoch) this.#forget(partition.topic, epoch)
    this.#positions.set(partition, { ...position, stable })
  }

  /** A small number for a partition, the same until its topic is made again. */
  indexOf(partition: Partition): number {
    let index = this.#indices.get(partition)
    if (index === undefined) {
      index = this.#indexCount++
      this.#indices.set(partition, index)
    }
    return index
  }

  #forget(topic: string, epoch: string): void {
    for (const [partition, position] of this.#positions) {
      if (partition.topic !== topic || position.epoch === epoch) continue
      this.#positions.delete(partition)
      this.tape.retire(this.indexOf(partition))
      this.#indices.delete(partition)
    }
  }

  /** Takes an event in and marks it for its audiences; false when the node has as many items as it may. */
  add(event: MarketEvent, origin: Origin): boolean {
    const index = this.tape.add(event, origin)
    if (index === undefined) return false
    this.fanout.mark(this.tape.segment, index)
    return true
  }

  /** Ends the batch: everything marked is written. */
  flush(): void {
    this.fanout.flush(this.tape.segment)
    this.tape.segment.reset()
  }
}
