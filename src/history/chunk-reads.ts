import type { Position } from '../event/log-record.ts'
import { limitConcurrency } from '../limits/concurrency-limiter.ts'
import { HistoryChunk } from './history-chunk.ts'
import type { History } from './history.ts'

/** What to read, with the key of the chunk. */
export interface ChunkRequest {
  readonly key: string
  readonly from: Position
  readonly to: number
}

/** One read of a chunk, for everyone who waits for it. It is aborted when all of them have left. */
class ChunkRead {
  /** When it began, as `ChunkReads.now`; `Infinity` while it waits for other reads. */
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

  /** Returns the chunk, or `undefined` if `leaving` aborts first. Rejects as `History.read` does. */
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
  /** Reads that run at a time. */
  readonly atOnce: number
  /** Called with each chunk that later readers may use. */
  readonly onChunk: (key: string, chunk: HistoryChunk) => void
}

/** The chunks that are being read: each once for everyone who asks meanwhile, and a few at a time. */
export class ChunkReads {
  readonly #options: ChunkReadsOptions
  readonly #reads = new Map<string, ChunkRead>()
  readonly #limited: (work: () => Promise<HistoryChunk>) => Promise<HistoryChunk>
  #now = 0

  constructor(options: ChunkReadsOptions) {
    this.#options = options
    this.#limited = limitConcurrency(work => work(), options.atOnce)
  }

  /** How many reads run, or wait to. */
  get size(): number {
    return this.#reads.size
  }

  /** Returns a logical time: higher with every call. */
  now(): number {
    return ++this.#now
  }

  /** Returns the running read of a key. */
  at(key: string): ChunkRead | undefined {
    const read = this.#reads.get(key)
    return read?.signal.aborted === true ? undefined : read
  }

  begin(request: ChunkRequest): ChunkRead {
    const read = new ChunkRead(self => this.#load(self, request))
    this.#reads.set(request.key, read)
    return read
  }

  /** Keeps later readers from the reads whose keys begin with a prefix. */
  forget(prefix: string): void {
    for (const key of this.#reads.keys()) if (key.startsWith(prefix)) this.#reads.delete(key)
  }

  async #load(read: ChunkRead, { key, from, to }: ChunkRequest): Promise<HistoryChunk> {
    const { history, onChunk } = this.#options
    try {
      const chunk = await this.#limited(() => {
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
