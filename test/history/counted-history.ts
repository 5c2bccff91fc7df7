import type { History, HistoricEvent, HistoryBatch } from '../../src/history/history.ts'
import type { Partition, Position } from '../../src/event/log-record.ts'

/** A history that counts what is read of it, and can be held up or made to fail. */
export class CountedHistory implements History {
  readonly reads: string[] = []
  /** How many reads go on now, and did at most. */
  underWay = 0
  mostUnderWay = 0
  /** Reads that ended before they had read everything, because nobody waited any more. */
  abandoned = 0
  /** Awaited before each read gives anything. */
  gate: () => Promise<void> = () => Promise.resolve()
  readonly #history: History

  constructor(history: History) {
    this.#history = history
  }

  readableRange(partition: Partition): ReturnType<History['readableRange']> {
    return this.#history.readableRange(partition)
  }

  end(partition: Partition): Promise<number> {
    return this.#history.end(partition)
  }

  async *read(from: Position, to: number, signal: AbortSignal): AsyncGenerator<HistoryBatch, void> {
    this.reads.push(`${from.offset}-${to}`)
    this.underWay++
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay)
    try {
      await this.gate()
      if (signal.aborted) this.abandoned++
      yield* this.#history.read(from, to, signal)
    } finally {
      this.underWay--
    }
  }
}

/**
 * What a read brought: its ranges, those that follow on each other as one, and the offsets and JSON of its
 * events.
 */
export interface ReadResult {
  readonly ranges: readonly (readonly [from: number, to: number])[]
  readonly events: readonly string[]
}

/** Reads `[from, to)` to its end. */
export async function readAll(
  history: History,
  [position, to]: readonly [Position, number],
  signal: AbortSignal = new AbortController().signal,
): Promise<ReadResult> {
  const ranges: [number, number][] = []
  const events: string[] = []
  for await (const batch of history.read(position, to, signal)) {
    const last = ranges.at(-1)
    if (last?.[1] === batch.from) last[1] = batch.to
    else ranges.push([batch.from, batch.to])
    events.push(...batch.events.map(textOf))
  }
  return { ranges, events }
}

function textOf({ event, offset, json }: HistoricEvent): string {
  return `${offset} ${json?.toString() ?? JSON.stringify(event)}`
}
