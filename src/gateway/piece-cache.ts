import type { HistoryPiece } from './history-piece.ts'

/** The pieces that were used last, bounded by their bytes; the one that was not used for the longest time leaves first. */
export class PieceCache {
  readonly #maxBytes: number
  readonly #pieces = new Map<string, HistoryPiece>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** What they take, about. */
  get bytes(): number {
    return this.#bytes
  }

  find(key: string): HistoryPiece | undefined {
    const piece = this.#pieces.get(key)
    if (piece === undefined) return undefined
    this.#pieces.delete(key)
    this.#pieces.set(key, piece)
    return piece
  }

  /** Keeps a piece instead of the former one of its key. */
  keep(key: string, piece: HistoryPiece): void {
    this.#drop(key)
    this.#pieces.set(key, piece)
    this.#bytes += piece.bytes
    for (const oldest of this.#pieces.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.#drop(oldest)
    }
  }

  /** Drops those whose keys begin so. */
  forget(prefix: string): void {
    for (const key of this.#pieces.keys()) if (key.startsWith(prefix)) this.#drop(key)
  }

  #drop(key: string): void {
    this.#bytes -= this.#pieces.get(key)?.bytes ?? 0
    this.#pieces.delete(key)
  }
}
