import type { Partition, Position } from '../event/log-record.ts'
import { SlicedQueue } from '../limits/sliced-queue.ts'
import { ChunkCache } from './chunk-cache.ts'
import { ChunkReads, type ChunkRequest } from './chunk-reads.ts'
import type { HistoryChunk } from './history-chunk.ts'
import type { History, HistoryBatch, ReadableRange } from './history.ts'
import { LogHistory, type LogHistoryOptions } from './log-history.ts'

interface SharedHistoryOptions {
  readonly history: History
  /** Memory of the pieces that are kept; one more for each read under way. */
  readonly maxBytes: number
  /** Offsets of a piece; 2,048 if left out. */
  readonly chunkOffsets?: number
  /** Pieces read from the log at a time; 4 if left out. */
  readonly readsAtOnce?: number
}

/** Pieces given to readers since start, by where they came from: read for them, read for others, or kept. */
interface ChunkCounts {
  log: number
  shared: number
  cache: number
}

/** A reader encodes a batch of 1,024 events in a millisecond or two. */
const chunksPerTurn = 2

/**
 * A history that many read at once: who goes on from the same place, as after a node has left, shares what is read from the log and
 * decoded. Readers of one piece are given it some in each turn of the event loop.
 */
export class SharedHistory implements History {
  readonly counts: ChunkCounts = { log: 0, shared: 0, cache: 0 }
  readonly #history: History
  readonly #chunkOffsets: number
  readonly #cache: ChunkCache
  readonly #reads: ChunkReads
  readonly #turns = new SlicedQueue(chunksPerTurn)

  constructor({ history, maxBytes, chunkOffsets = 2048, readsAtOnce = 4 }: SharedHistoryOptions) {
    this.#history = history
    this.#chunkOffsets = chunkOffsets
    this.#cache = new ChunkCache(maxBytes)
    this.#reads = new ChunkReads({
      history,
      atOnce: readsAtOnce,
      onChunk: (key, chunk) => this.#cache.keep(key, chunk),
    })
  }

  /** Pieces that are being read, or wait for that. */
  get reads(): number {
    return this.#reads.size
  }

  /** What the kept pieces take, about. */
  get bytes(): number {
    return this.#cache.bytes
  }

  readableRange(partition: Partition): Promise<ReadableRange> {
    return this.#history.readableRange(partition)
  }

  end(partition: Partition): Promise<number> {
    return this.#history.end(partition)
  }

  async *read(from: Position, to: number, signal: AbortSignal): AsyncGenerator<HistoryBatch, void> {
    const beganAt = this.#reads.now()
    let at = from.offset
    while (at < to) {
      const request = this.#requestFor({ ...from, offset: at })
      const end = Math.min(to, request.to)
      const chunk = await this.#chunk(request, { end, beganAt, signal })
      if (chunk === undefined) return
      for (const batch of chunk.between(at, end)) {
        await new Promise<void>(resolve => {
          this.#turns.enqueue(resolve)
        })
        if (signal.aborted) return
        yield batch
      }
      if (chunk.to < end) return
      at = end
    }
  }

  /** Forgets what was read of a partition: its topic was made again, or it was cut back. */
  forget(partition: Partition): void {
    const prefix = prefixOf(partition)
    this.#cache.forget(prefix)
    this.#reads.forget(prefix)
  }

  /** Lets go of everything that is kept. */
  clear(): void {
    this.#cache.forget('')
  }

  /** The aligned piece in which a position lies. */
  #requestFor({ partition, epoch, offset }: Position): ChunkRequest {
    const first = offset - (offset % this.#chunkOffsets)
    return {
      key: `${prefixOf(partition)}${epoch}/${first}`,
      from: { partition, epoch, offset: first },
      to: first + this.#chunkOffsets,
    }
  }

  /**
   * A piece that goes as far as the reader wants, or as the log went when or after it asked: one that was read before may lack
   * what has come since. `undefined` when the signal aborts.
   */
  async #chunk(request: ChunkRequest, wish: Wish): Promise<HistoryChunk | undefined> {
    const { key } = request
    const { end, beganAt, signal } = wish
    const kept = this.#cache.find(key)
    if (kept !== undefined && kept.to >= end) return this.#count('cache', kept)
    const shared = this.#reads.at(key)
    if (shared !== undefined) {
      const chunk = await shared.wait(signal)
      if (chunk === undefined) return undefined
      if (chunk.to >= end || shared.beganAt > beganAt) return this.#count('shared', chunk)
      // Who waited as well may have begun to read it anew.
      return await this.#chunk(request, wish)
    }
    const chunk = await this.#reads.begin(request).wait(signal)
    return chunk && this.#count('log', chunk)
  }

  #count(source: keyof ChunkCounts, chunk: HistoryChunk): HistoryChunk {
    this.counts[source]++
    return chunk
  }
}

interface Wish {
  /** Up to where the reader wants it. */
  readonly end: number
  /** When the reader asked. */
  readonly beganAt: number
  readonly signal: AbortSignal
}

function prefixOf({ topic, partition }: Partition): string {
  return `${topic}/${partition}/`
}

/** Some fifty thousand events, of which sessions that resume together read most at about the same time. */
const keptBytes = 33_554_432

/** The log as sessions read it again, which share what they read of it. */
export function openHistory(options: LogHistoryOptions): SharedHistory {
  return new SharedHistory({ history: new LogHistory(options), maxBytes: keptBytes })
}
