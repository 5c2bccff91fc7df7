import type { Position } from '../event/log-record.ts'
import type { HistoricEvent, History, HistoryBatch } from './history.ts'

/** An event's object takes about so much memory beside its JSON, by measurement on trades. */
const eventBytes = 560

/** Some offsets of a partition, decoded once for all who read them. It holds its events' JSON itself, and nothing else of the log. */
export class HistoryChunk {
  /** How far it goes: less than was asked for where the log ended before. */
  readonly to: number
  /** The memory that it takes, about. */
  readonly bytes: number
  readonly #batches: readonly HistoryBatch[]

  constructor(batches: readonly HistoryBatch[], from: number) {
    this.#batches = batches
    this.to = batches.at(-1)?.to ?? from
    this.bytes = batches.reduce((sum, { events }) => sum + sizeOf(events), 0)
  }

  /** Reads it from a position on up to `to`. Rejects as `History.read` does. */
  static async read(
    history: History,
    { from, to }: { readonly from: Position; readonly to: number },
    signal: AbortSignal,
  ): Promise<HistoryChunk> {
    const batches: HistoryBatch[] = []
    for await (const batch of history.read(from, to, signal)) {
      const kept = { ...batch, events: own(batch.events) }
      const last = batches.at(-1)
      // Readers encode a batch at a time, so that a few large ones give them larger frames.
      if (last?.to === kept.from) {
        batches[batches.length - 1] = { ...kept, from: last.from, events: [...last.events, ...kept.events] }
      } else batches.push(kept)
    }
    return new HistoryChunk(batches, from.offset)
  }

  /** What it has of `[from, to)`: one batch, and one more behind each gap. */
  *between(from: number, to: number): Generator<HistoryBatch, void> {
    for (const batch of this.#batches) {
      if (batch.to <= from) continue
      const isWhole = batch.from >= from && batch.to <= to
      yield isWhole ? batch : cut(batch, from, to)
      if (batch.to >= to) return
    }
  }
}

function cut({ from, to, events }: HistoryBatch, first: number, end: number): HistoryBatch {
  return {
    from: Math.min(Math.max(from, first), end),
    to: Math.min(to, end),
    events: events.filter(({ offset }) => offset >= first && offset < end),
  }
}

/** The same events with their JSON in one buffer of their own: a view would keep the whole answer of a broker. */
function own(events: readonly HistoricEvent[]): HistoricEvent[] {
  const texts = events.map(({ event, json }) => json ?? Buffer.from(JSON.stringify(event)))
  const bytes = Buffer.concat(texts)
  let at = 0
  return events.map(({ event, offset }, index) => {
    const from = at
    at += texts[index]?.length ?? 0
    return { event, offset, json: bytes.subarray(from, at) }
  })
}

function sizeOf(events: readonly HistoricEvent[]): number {
  return events.reduce((sum, { json }) => sum + eventBytes + (json?.length ?? 0), 0)
}
