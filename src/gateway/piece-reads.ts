import type { Position } from '../event/position.ts'
import type { History } from '../fanout/history.ts'
import { turnstile } from '../limits/turnstile.ts'
import { HistoryPiece } from './history-piece.ts'

/** What to read, under a key that stands for it. */
export interface PieceRequest {
  readonly key: string
  readonly from: Position
  readonly to: number
}

/** A piece that is being read for those who wait for it; when all of them have left, it ends. */
export class PieceRead {
  /** When its reading began, as `PieceReads.now`; `Infinity` while it waits for its turn. */
  beganAt = Number.POSITIVE_INFINITY
  readonly #abort = new AbortController()
  readonly #piece: Promise<HistoryPiece>
  #waiting = 0

  constructor(load: (read: PieceRead) => Promise<HistoryPiece>) {
    this.#piece = load(this)
  }

  /** Aborts when nobody waits any more. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The piece; `undefined` when the one who waits leaves before. Rejects as `History.read` does. */
  async wait(leaving: AbortSignal): Promise<HistoryPiece | undefined> {
    const left = Promise.withResolvers<undefined>()
    const leave = (): void => left.resolve(undefined)
    if (leaving.aborted) leave()
    leaving.addEventListener('abort', leave, { once: true })
    this.#waiting++
    try {
      return await Promise.race([left.promise, this.#piece])
    } finally {
      leaving.removeEventListener('abort', leave)
      if (--this.#waiting === 0) this.#abort.abort()
    }
  }
}

export interface PieceReadsOptions {
  readonly history: History
  /** How many are read at a time. */
  readonly atOnce: number
  /** Told of each piece that is good for those who ask later. */
  readonly onPiece: (key: string, piece: HistoryPiece) => void
}

/** The pieces of the log that are being read: each once for all who ask for it meanwhile, and a few at a time. */
export class PieceReads {
  readonly #options: PieceReadsOptions
  readonly #reads = new Map<string, PieceRead>()
  readonly #inTurn: (work: () => Promise<HistoryPiece>) => Promise<HistoryPiece>
  #now = 0

  constructor(options: PieceReadsOptions) {
    this.#options = options
    this.#inTurn = turnstile(work => work(), options.atOnce)
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
  at(key: string): PieceRead | undefined {
    const read = this.#reads.get(key)
    return read?.signal.aborted === true ? undefined : read
  }

  begin(request: PieceRequest): PieceRead {
    const read = new PieceRead(self => this.#load(self, request))
    this.#reads.set(request.key, read)
    return read
  }

  /** Pieces whose keys begin so are not for those who ask from now on. */
  forget(prefix: string): void {
    for (const key of this.#reads.keys()) if (key.startsWith(prefix)) this.#reads.delete(key)
  }

  async #load(read: PieceRead, { key, from, to }: PieceRequest): Promise<HistoryPiece> {
    const { history, onPiece } = this.#options
    try {
      const piece = await this.#inTurn(() => {
        read.beganAt = this.now()
        return HistoryPiece.read(history, { from, to }, read.signal)
      })
      if (this.#reads.get(key) === read && !read.signal.aborted) onPiece(key, piece)
      return piece
    } finally {
      if (this.#reads.get(key) === read) this.#reads.delete(key)
    }
  }
}
