import { LRUCache } from 'lru-cache'
import type { Partition, Position } from '../event/log-record.ts'
import { SlicedQueue } from '../limits/sliced-queue.ts'
import { ChunkReads, type ChunkRequest } from './chunk-reads.ts'
import type { HistoryChunk } from './history-chunk.ts'
import type { History, HistoryBatch, ReadableRange } from './history.ts'
import { LogHistory, type LogHistoryOptions } from './log-history.ts'

interface SharedHistoryOptions {
  readonly history: History
  /** Memory of the cached chunks; each running read has one more. */
  readonly maxBytes: number
  /** Offsets of a chunk; 2,048 if left out. */
  readonly chunkOffsets?: number
  /** Chunks that are read from the log at a time; 4 if left out. */
  readonly readsAtOnce?: number
}

/** Chunks given to readers since start, by source: read for this reader, read for another one, or cached. */
interface ChunkCounts {
  log: number
  shared: number
  cache: number
}

/** Some 50,000 events. Sessions that resume together read mostly the same ones at about the same time. */
const cacheBytes = 33_554_432
/** A reader encodes a batch of 1,024 events in a millisecond or two. */
const batchesPerTurn = 2

/** Opens the log as a history that sessions share. */
export function openHistory(options: LogHistoryOptions): SharedHistory {
  return new SharedHistory({ history: new LogHistory(options), maxBytes: cacheBytes })
}

/**
 * A history with many readers at once. Readers of the same range, as after a node has left, share what is
 * read from the log and decoded. A few batches are given to readers in each turn of the event loop.
 */
export class SharedHistory implements History {
  readonly counts: ChunkCounts = { log: 0, shared: 0, cache: 0 }
  readonly #history: History
  readonly #chunkOffsets: number
  readonly #cache: LRUCache<string, HistoryChunk>
  readonly #reads: ChunkReads
  readonly #turns = new SlicedQueue(batchesPerTurn)

  constructor({ history, maxBytes, chunkOffsets = 2048, readsAtOnce = 4 }: SharedHistoryOptions) {
    this.#history = history
    this.#chunkOffsets = chunkOffsets
    // A chunk may be empty; the cache wants sizes above 0.
    this.#cache = new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ bytes }) => Math.max(1, bytes) })
    this.#reads = new ChunkReads({
      history,
      atOnce: readsAtOnce,
      onChunk: (key, chunk) => this.#cache.set(key, chunk),
    })
  }

  /** Chunks that are being read, or wait to be. */
  get reads(): number {
    return this.#reads.size
  }

  /** The approximate memory of the cached chunks. */
  get bytes(): number {
    return this.#cache.calculatedSize
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

  /** Forgets what was read of a partition: its topic was recreated, or it was cut back. */
  forget(partition: Partition): void {
    const prefix = prefixOf(partition)
    const stale = [...this.#cache.keys()].filter(key => key.startsWith(prefix))
    for (const key of stale) this.#cache.delete(key)
    this.#reads.forget(prefix)
  }

  /** Empties the cache. */
  clear(): void {
    this.#cache.clear()
  }

  /** Returns the request for the aligned chunk of a position. */
  #requestFor({ partition, epoch, offset }: Position): ChunkRequest {
    const first = offset - (offset % this.#chunkOffsets)
    return {
      key: `${prefixOf(partition)}${epoch}/${first}`,
      from: { partition, epoch, offset: first },
      to: first + this.#chunkOffsets,
    }
  }

  /**
   * Returns a chunk that reaches as far as the reader wants, or as the log did when or after the reader
   * asked: an older one may lack what was appended since. Returns `undefined` when the signal aborts.
   */
  async #chunk(request: ChunkRequest, reader: ChunkReader): Promise<HistoryChunk | undefined> {
    const { key } = request
    const { end, beganAt, signal } = reader
    const cached = this.#cache.get(key)
    if (cached !== undefined && cached.to >= end) return this.#count('cache', cached)
    const running = this.#reads.at(key)
    if (running !== undefined) {
      const chunk = await running.wait(signal)
      if (chunk === undefined) return undefined
      if (chunk.to >= end || running.beganAt > beganAt) return this.#count('shared', chunk)
      // Another reader that waited may have begun a new read.
      return await this.#chunk(request, reader)
    }
    const chunk = await this.#reads.begin(request).wait(signal)
    return chunk && this.#count('log', chunk)
  }

  #count(source: keyof ChunkCounts, chunk: HistoryChunk): HistoryChunk {
    this.counts[source]++
    return chunk
  }
}

interface ChunkReader {
  /** Where the reader's range ends. */
  readonly end: number
  /** When the reader asked, as `ChunkReads.now`. */
  readonly beganAt: number
  readonly signal: AbortSignal
}

function prefixOf({ topic, partition }: Partition): string {
  return `${topic}/${partition}/`
}
