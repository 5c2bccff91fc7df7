import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type { EventLog, LogBatch, Position } from '../../../src/log/event-log.ts'
import { nameOf, type LogUnderTest } from './log-under-test.ts'
import { ModelPartition, ModelTail } from './model-tail.ts'
import { appendAll, bound, endOf } from './reading.ts'
import { newSymbol, sampleTrade } from './sample-event.ts'

/** Numbers that the model takes modulo what there is. */
export const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        keys: fc.array(fc.nat(7), { maxLength: 60, size: 'max' }),
        times: fc.constantFrom(1, 1, 1, 40),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('range' as const),
        of: fc.nat(),
        from: fc.nat(),
        to: fc.nat(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('follow' as const), of: fc.nat() }) },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('pull' as const),
        of: fc.nat(),
        arrays: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), of: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  ),
  { minLength: 5, maxLength: 20, size: 'max' },
)

/** Something that may happen to a log. */
export type Step = (typeof steps extends fc.Arbitrary<(infer Each)[]> ? Each : never) & {
  readonly kind: string
}

const mostTails = 4

/** One log, and what should be in it. */
export class ModelRun {
  /** Another one after a restart. */
  log: EventLog
  readonly #opened: LogUnderTest
  readonly #start: readonly Position[]
  readonly #partitions: ReadonlyMap<string, ModelPartition>
  readonly #symbols = Array.from({ length: 8 }, newSymbol)
  readonly #tails: ModelTail[] = []
  #appended = 0

  /** The run begins where the log ends now. */
  static async start(opened: LogUnderTest, log: EventLog): Promise<ModelRun> {
    return new ModelRun(opened, log, await endOf(log))
  }

  private constructor(opened: LogUnderTest, log: EventLog, start: readonly Position[]) {
    this.#opened = opened
    this.log = log
    this.#start = start
    this.#partitions = new Map(
      start.map(position => [nameOf(position.partition), new ModelPartition(position)]),
    )
    this.#tails.push(new ModelTail(this.#partitions, start))
  }

  async step(step: Step): Promise<void> {
    if (step.kind === 'append') await this.#append(step)
    else if (step.kind === 'follow') this.#follow(step.of)
    else if (step.kind === 'pull') await this.#pull(step)
    else if (step.kind === 'range') await this.#range(step)
    else if (step.kind === 'drop') await this.#drop(step.of)
    else await this.#reopen()
  }

  /** Every tail reaches the end. */
  async finish(): Promise<void> {
    for (const tail of this.#tails) {
      while (tail.isBehind) await tail.pull(this.log)
    }
    for (const { partition, start, first, end } of this.#written()) {
      const ends = await this.log.ends(partition)
      assert.equal(ends.stable, end)
      if (first > start) assert.equal(ends.first, first)
    }
  }

  async stop(): Promise<void> {
    for (const tail of this.#tails) await tail.stop()
  }

  async #append({ keys, times }: Extract<Step, { kind: 'append' }>): Promise<void> {
    const repeated = Array.from({ length: times }, () => keys).flat()
    const events = repeated.map(key => sampleTrade(this.#symbols[key]!, this.#appended++))
    const positions = await appendAll(this.log, events)
    for (const [index, event] of events.entries()) {
      const { partition, offset } = positions[index]!
      this.#partitions.get(nameOf(partition))!.add({ partition, offset, key: event.S, event })
    }
  }

  #follow(of: number): void {
    const [chosen, offset] = this.#position(of)
    if (chosen === undefined || this.#tails.length >= mostTails) return
    const from = this.#start.map(each =>
      nameOf(each.partition) === chosen.name ? { ...each, offset } : each,
    )
    this.#tails.push(new ModelTail(this.#partitions, from))
  }

  async #pull({ of, arrays }: Extract<Step, { kind: 'pull' }>): Promise<void> {
    const tail = this.#tails[of % this.#tails.length]!
    for (let count = 0; count < arrays && tail.isBehind; count += 1) await tail.pull(this.log)
  }

  async #range({ of, from, to }: Extract<Step, { kind: 'range' }>): Promise<void> {
    const [chosen] = this.#position(of)
    if (chosen === undefined) return
    const { start, end, first } = chosen
    // Also some offsets beyond the end.
    const place = (number: number) => start + (number % (end - start + 5))
    const [low, high] = [place(from), place(to)].toSorted((one, other) => one - other) as [number, number]
    const batches: LogBatch[] = []
    for await (const batch of this.log.range(chosen.partition, low, high, bound())) batches.push(batch)
    let next = low
    for (const batch of batches) next = chosen.check(batch, Math.min(next, end))
    const isAnythingLeft = Math.max(low, first) < Math.min(high, end)
    if (isAnythingLeft) assert.equal(next, Math.min(high, end), 'a range reaches its end')
    const records = batches.flatMap(batch => batch.records)
    assert.equal(records.length, chosen.count(low, high), 'a range has every record')
  }

  async #drop(of: number): Promise<void> {
    const [chosen, offset] = this.#position(of)
    if (chosen === undefined || offset <= chosen.first) return
    const { partition, epoch } = chosen
    await this.#opened.dropBefore({ partition, epoch, offset })
    chosen.first = offset
  }

  /** Ends the log and its tails; these go on in the next one from where they were. */
  async #reopen(): Promise<void> {
    await this.log.close()
    for (const tail of this.#tails) await tail.end()
    this.log = await this.#opened.reopen()
  }

  /** An offset between the start of the run and its end, in a partition that was written to. */
  #position(of: number): [ModelPartition, number] | [undefined, 0] {
    const written = this.#written()
    const chosen = written[of % written.length]
    if (chosen === undefined) return [undefined, 0]
    return [chosen, chosen.start + (of % (chosen.end - chosen.start + 1))]
  }

  #written(): ModelPartition[] {
    return [...this.#partitions.values()].filter(({ start, end }) => end > start)
  }
}
