import type { HistoryChunk } from './history-chunk.ts'

/** The pieces that were used last, bounded by their bytes; the one that was not used for the longest time leaves first. */
export class ChunkCache {
  readonly #maxBytes: number
  readonly #chunks = new Map<string, HistoryChunk>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** What they take, about. */
  get bytes(): number {
    return this.#bytes
  }

  find(key: string): HistoryChunk | undefined {
    const chunk = this.#chunks.get(key)
    if (chunk === undefined) return undefined
    this.#chunks.delete(key)
    this.#chunks.set(key, chunk)
    return chunk
  }

  /** Keeps a piece instead of the former one of its key. */
  keep(key: string, chunk: HistoryChunk): void {
    this.#drop(key)
    this.#chunks.set(key, chunk)
    this.#bytes += chunk.bytes
    for (const oldest of this.#chunks.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.#drop(oldest)
    }
  }

  /** Drops those whose keys begin so. */
  forget(prefix: string): void {
    for (const key of this.#chunks.keys()) if (key.startsWith(prefix)) this.#drop(key)
  }

  #drop(key: string): void {
    this.#bytes -= this.#chunks.get(key)?.bytes ?? 0
    this.#chunks.delete(key)
  }
}
