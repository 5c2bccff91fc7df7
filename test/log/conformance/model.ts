import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EventLog, Partition, Position } from '../../../src/log/event-log.ts'
import type { SharedLog } from './log-under-test.ts'
import { appendAll, endOf, eventsOf, readEvents, readRange, type ReadEvent } from './reading.ts'
import { newSymbol, sampleTrade } from './sample-event.ts'

type Action =
  | { readonly kind: 'append'; readonly keys: readonly number[] }
  | { readonly kind: 'range'; readonly of: number; readonly from: number; readonly to: number }
  | { readonly kind: 'tail'; readonly of: number }

const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('append'),
        keys: fc.array(fc.nat(7), { maxLength: 60, size: 'max' }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('range'), of: fc.nat(), from: fc.nat(), to: fc.nat() }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('tail'), of: fc.nat() }) },
  ),
  { minLength: 4, maxLength: 16, size: 'max' },
)

/** Random appends and reads, compared with a list per partition. */
export function modelSuite(sharedLog: SharedLog): void {
  test('any interleaving of appends and reads sees what a list per partition would', async () => {
    const property = fc.asyncProperty(actions, async sequence => {
      const run = new ModelRun(sharedLog(), await endOf(sharedLog()))
      for (const action of sequence) await run.step(action)
      await run.compareTail(0)
    })
    await expect(fc.assert(property, { numRuns: 25 })).resolves.toBe(undefined)
  })
}

class ModelRun {
  readonly #log: EventLog
  readonly #start: readonly Position[]
  readonly #model: ReadEvent[] = []
  readonly #symbols = Array.from({ length: 8 }, newSymbol)
  #appended = 0

  constructor(log: EventLog, start: readonly Position[]) {
    this.#log = log
    this.#start = start
  }

  async step(action: Action): Promise<void> {
    if (action.kind === 'append') return this.#append(action.keys)
    if (this.#model.length === 0) return undefined
    if (action.kind === 'tail') return this.compareTail(action.of % this.#model.length)
    return this.#compareRange(action)
  }

  async #append(keys: readonly number[]): Promise<void> {
    const events = keys.map(key => sampleTrade(this.#symbols[key]!, this.#appended++))
    const positions = await appendAll(this.#log, events)
    for (const [index, event] of events.entries()) {
      const { partition, offset } = positions[index]!
      const last = this.#inPartition(partition).at(-1)?.offset
      assert.ok(last === undefined || offset > last, `offset ${offset} told after ${last}`)
      this.#model.push({ partition, offset, key: event.S, event })
    }
  }

  async #compareRange({ of, from, to }: Extract<Action, { kind: 'range' }>): Promise<void> {
    const { partition } = this.#model[of % this.#model.length]!
    const listed = this.#inPartition(partition)
    const [low, high] = [from % listed.length, to % listed.length].toSorted((a, b) => a - b)
    const batches = await readRange(this.#log, partition, [listed[low!]!.offset, listed[high!]!.offset])
    assert.deepEqual(eventsOf(batches), listed.slice(low, high))
  }

  /** Follows from the `index`th event in its partition, and from the start of the run in the others. */
  async compareTail(index: number): Promise<void> {
    const chosen = this.#model[index]
    if (chosen === undefined) return
    const from = this.#start.map(position =>
      position.partition === chosen.partition ? { ...position, offset: chosen.offset } : position,
    )
    const expected = this.#model.filter(
      ({ partition, offset }) => partition !== chosen.partition || offset >= chosen.offset,
    )
    const read = await readEvents(this.#log, from, expected.length)
    for (const { partition } of from) {
      const isHere = (event: ReadEvent) => event.partition === partition
      assert.deepEqual(read.filter(isHere), expected.filter(isHere))
    }
  }

  #inPartition(partition: Partition): ReadEvent[] {
    return this.#model.filter(event => event.partition === partition)
  }
}
