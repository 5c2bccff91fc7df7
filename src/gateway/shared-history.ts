import type { Partition, Position } from '../event/position.ts'
import type { History, HistoryBatch, Reach } from '../fanout/history.ts'
import { PacedWork } from '../limits/paced-work.ts'
import type { HistoryPiece } from './history-piece.ts'
import { PieceCache } from './piece-cache.ts'
import { type PieceRequest, PieceReads } from './piece-reads.ts'

export interface SharedHistoryOptions {
  readonly history: History
  /** Memory of the pieces that are kept; one more for each read under way. */
  readonly maxBytes: number
  /** Offsets of a piece; 2,048 if left out. */
  readonly pieceOffsets?: number
  /** Pieces read from the log at a time; 4 if left out. */
  readonly readsAtOnce?: number
}

/** Pieces given to readers since start, by where they came from: read for them, read for others, or kept. */
export interface PieceCounts {
  log: number
  shared: number
  cache: number
}

/** A reader encodes a batch of 1,024 events in a millisecond or two. */
const piecesPerTurn = 2

/**
 * A history that many read at once: who goes on from the same place, as after a node has left, shares what is read from the log and
 * decoded. Readers of one piece are given it some in each turn of the event loop.
 */
export class SharedHistory implements History {
  readonly counts: PieceCounts = { log: 0, shared: 0, cache: 0 }
  readonly #history: History
  readonly #pieceOffsets: number
  readonly #cache: PieceCache
  readonly #reads: PieceReads
  readonly #turns = new PacedWork(piecesPerTurn)

  constructor({ history, maxBytes, pieceOffsets = 2048, readsAtOnce = 4 }: SharedHistoryOptions) {
    this.#history = history
    this.#pieceOffsets = pieceOffsets
    this.#cache = new PieceCache(maxBytes)
    this.#reads = new PieceReads({
      history,
      atOnce: readsAtOnce,
      onPiece: (key, piece) => this.#cache.keep(key, piece),
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

  reach(partition: Partition): Promise<Reach> {
    return this.#history.reach(partition)
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
      const piece = await this.#piece(request, { end, beganAt, signal })
      if (piece === undefined) return
      for (const batch of piece.between(at, end)) {
        await new Promise<void>(resolve => {
          this.#turns.begin(resolve)
        })
        if (signal.aborted) return
        yield batch
      }
      if (piece.to < end) return
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
  #requestFor({ partition, epoch, offset }: Position): PieceRequest {
    const first = offset - (offset % this.#pieceOffsets)
    return {
      key: `${prefixOf(partition)}${epoch}/${first}`,
      from: { partition, epoch, offset: first },
      to: first + this.#pieceOffsets,
    }
  }

  /**
   * A piece that goes as far as the reader wants, or as the log went when or after it asked: one that was read before may lack
   * what has come since. `undefined` when the signal aborts.
   */
  async #piece(request: PieceRequest, wish: Wish): Promise<HistoryPiece | undefined> {
    const { key } = request
    const { end, beganAt, signal } = wish
    const kept = this.#cache.find(key)
    if (kept !== undefined && kept.to >= end) return this.#count('cache', kept)
    const shared = this.#reads.at(key)
    if (shared !== undefined) {
      const piece = await shared.wait(signal)
      if (piece === undefined) return undefined
      if (piece.to >= end || shared.beganAt > beganAt) return this.#count('shared', piece)
      // Who waited as well may have begun to read it anew.
      return await this.#piece(request, wish)
    }
    const piece = await this.#reads.begin(request).wait(signal)
    return piece && this.#count('log', piece)
  }

  #count(source: keyof PieceCounts, piece: HistoryPiece): HistoryPiece {
    this.counts[source]++
    return piece
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
