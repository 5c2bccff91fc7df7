import type { Position } from '../event/log-record.ts'
import type { HistoricEvent, History, HistoryBatch } from './history.ts'

/** Measured on trades: the memory of an event's object, without its JSON. */
const eventBytes = 560

/** A range of a partition's offsets, decoded once for all its readers. It owns its events' JSON. */
export class HistoryChunk {
  /** Its end: before the requested end if the log ended there. */
  readonly to: number
  /** Its approximate memory. */
  readonly bytes: number
  readonly #batches: readonly HistoryBatch[]

  constructor(batches: readonly HistoryBatch[], from: number) {
    this.#batches = batches
    this.to = batches.at(-1)?.to ?? from
    this.bytes = batches.reduce((sum, { events }) => sum + sizeOf(events), 0)
  }

  /** Reads a chunk from a position up to `to`. Rejects as `History.read` does. */
  static async read(
    history: History,
    { from, to }: { readonly from: Position; readonly to: number },
    signal: AbortSignal,
  ): Promise<HistoryChunk> {
    const batches: HistoryBatch[] = []
    for await (const batch of history.read(from, to, signal)) {
      const owned = { ...batch, events: own(batch.events) }
      const last = batches.at(-1)
      // Readers encode batch by batch: few large batches make large frames.
      if (last?.to === owned.from) {
        batches[batches.length - 1] = {
          ...owned,
          from: last.from,
          events: [...last.events, ...owned.events],
        }
      } else batches.push(owned)
    }
    return new HistoryChunk(batches, from.offset)
  }

  /** Yields its events in `[from, to)`: one batch, and a further one after each gap. */
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

/** Copies the events' JSON into one buffer: a view would keep a broker's whole response in memory. */
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
