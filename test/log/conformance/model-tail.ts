import assert from 'node:assert/strict'
import type { EventLog, LogBatch, Partition, Position } from '../../../src/log/event-log.ts'
import { nameOf } from './log-under-test.ts'
import { bound, eventsOf, type ReadEvent } from './reading.ts'

/** What one partition should hold. */
export class ModelPartition {
  readonly name: string
  readonly partition: Partition
  readonly epoch: string
  /** Where the run began. */
  readonly start: number
  /** What lies before it was dropped. */
  first: number
  /** Also those that were dropped: a reader may have had them before that. */
  readonly #events: ReadEvent[] = []

  constructor({ partition, epoch, offset }: Position) {
    this.name = nameOf(partition)
    this.partition = partition
    this.epoch = epoch
    this.start = offset
    this.first = offset
  }

  get end(): number {
    return (this.#events.at(-1)?.offset ?? this.start - 1) + 1
  }

  add(event: ReadEvent): void {
    assert.ok(event.offset >= this.end, `offset ${event.offset} after ${this.end - 1}`)
    this.#events.push(event)
  }

  /** How many records `[from, to)` has, without those that were dropped. */
  count(from: number, to: number): number {
    return this.#between(Math.max(from, this.first), to).length
  }

  /** Checks the batch that a reader at `next` got, and returns its next position. */
  check(batch: LogBatch, next: number): number {
    const { from, to, epoch, stable } = batch
    assert.equal(epoch, this.epoch)
    assert.ok(from >= next, `${this.name}: [${from}, ${to}) after ${next}`)
    assert.ok(to >= from && stable >= to && stable <= this.end, `${this.name}: [${from}, ${to}) of ${stable}`)
    for (const { offset } of this.#between(next, from)) {
      assert.ok(offset < this.first, `${this.name}: ${offset} is there, and was passed over`)
    }
    const actual = eventsOf([batch]).map(({ offset, key, event }) => ({ offset, key, event }))
    const expected = this.#between(from, to).map(({ offset, key, event }) => ({ offset, key, event }))
    assert.deepEqual(actual, expected)
    return to
  }

  #between(from: number, to: number): ReadEvent[] {
    return this.#events.filter(({ offset }) => offset >= from && offset < to)
  }
}

/** A consumer that follows the log, and resumes from its positions in the next one. */
export class ModelTail {
  readonly #partitions: ReadonlyMap<string, ModelPartition>
  readonly #next: Map<string, Position>
  #reader: AsyncIterator<readonly LogBatch[], unknown> | undefined

  constructor(partitions: ReadonlyMap<string, ModelPartition>, from: readonly Position[]) {
    this.#partitions = partitions
    this.#next = new Map(from.map(position => [nameOf(position.partition), position]))
  }

  /** Whether the log has something that the tail has not shown yet. */
  get isBehind(): boolean {
    return [...this.#partitions].some(([name, { end }]) => this.#next.get(name)!.offset < end)
  }

  /** Takes one array. */
  async pull(log: EventLog): Promise<void> {
    this.#reader ??= log.tail([...this.#next.values()], bound())[Symbol.asyncIterator]()
    const { done, value } = await this.#reader.next()
    assert.ok(done !== true, 'the tail ended, or nothing came for too long')
    for (const batch of value) {
      const name = nameOf(batch.partition)
      const position = this.#next.get(name)!
      const offset = this.#partitions.get(name)!.check(batch, position.offset)
      this.#next.set(name, { ...position, offset })
    }
  }

  /** The log was closed. */
  async end(): Promise<void> {
    const answer = await this.#reader?.next()
    assert.ok(answer?.done !== false, 'a tail goes on after its log was closed')
    this.#reader = undefined
  }

  async stop(): Promise<void> {
    await this.#reader?.return?.()
  }
}
