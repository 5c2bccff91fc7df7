import type { Position } from '../event/log-record.ts'
import type { History } from './history.ts'
import { limitConcurrency } from '../limits/concurrency-limiter.ts'
import { HistoryChunk } from './history-chunk.ts'

/** What to read, under a key that stands for it. */
export interface ChunkRequest {
  readonly key: string
  readonly from: Position
  readonly to: number
}

/** A piece that is being read for those who wait for it; when all of them have left, it ends. */
export class ChunkRead {
  /** When its reading began, as `ChunkReads.now`; `Infinity` while it waits for its turn. */
  beganAt = Number.POSITIVE_INFINITY
  readonly #abort = new AbortController()
  readonly #chunk: Promise<HistoryChunk>
  #waiting = 0

  constructor(load: (read: ChunkRead) => Promise<HistoryChunk>) {
    this.#chunk = load(this)
  }

  /** Aborts when nobody waits any more. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The piece; `undefined` when the one who waits leaves before. Rejects as `History.read` does. */
  async wait(leaving: AbortSignal): Promise<HistoryChunk | undefined> {
    const left = Promise.withResolvers<undefined>()
    const leave = (): void => left.resolve(undefined)
    if (leaving.aborted) leave()
    leaving.addEventListener('abort', leave, { once: true })
    this.#waiting++
    try {
      return await Promise.race([left.promise, this.#chunk])
    } finally {
      leaving.removeEventListener('abort', leave)
      if (--this.#waiting === 0) this.#abort.abort()
    }
  }
}

export interface ChunkReadsOptions {
  readonly history: History
  /** How many are read at a time. */
  readonly atOnce: number
  /** Told of each piece that is good for those who ask later. */
  readonly onChunk: (key: string, chunk: HistoryChunk) => void
}

/** The pieces of the log that are being read: each once for all who ask for it meanwhile, and a few at a time. */
export class ChunkReads {
  readonly #options: ChunkReadsOptions
  readonly #reads = new Map<string, ChunkRead>()
  readonly #inTurn: (work: () => Promise<HistoryChunk>) => Promise<HistoryChunk>
  #now = 0

  constructor(options: ChunkReadsOptions) {
    this.#options = options
    this.#inTurn = limitConcurrency(work => work(), options.atOnce)
  }

  /** How many are under way, or wait for their turn. */
  get size(): number {
    return this.#reads.size
  }

  /** A time that only goes on, and is another one whenever it is asked for. */
  now(): number {
    return ++this.#now
  }

  /** The read under a key that still goes on. */
  at(key: string): ChunkRead | undefined {
    const read = this.#reads.get(key)
    return read?.signal.aborted === true ? undefined : read
  }

  begin(request: ChunkRequest): ChunkRead {
    const read = new ChunkRead(self => this.#load(self, request))
    this.#reads.set(request.key, read)
    return read
  }

  /** Pieces whose keys begin so are not for those who ask from now on. */
  forget(prefix: string): void {
    for (const key of this.#reads.keys()) if (key.startsWith(prefix)) this.#reads.delete(key)
  }

  async #load(read: ChunkRead, { key, from, to }: ChunkRequest): Promise<HistoryChunk> {
    const { history, onChunk } = this.#options
    try {
      const chunk = await this.#inTurn(() => {
        read.beganAt = this.now()
        return HistoryChunk.read(history, { from, to }, read.signal)
      })
      if (this.#reads.get(key) === read && !read.signal.aborted) onChunk(key, chunk)
      return chunk
    } finally {
      if (this.#reads.get(key) === read) this.#reads.delete(key)
    }
  }
}
