import { setImmediate, setTimeout } from 'node:timers/promises'
import type { LogBatch, Position } from '../event-log.ts'
import type { AppendWatch } from './append-watch.ts'
import { embeddedLogError } from './embedded-log-error.ts'
import type { EmbeddedLogStats } from './embedded-log-stats.ts'
import { type LogFile, type Patience, patiently } from './log-file.ts'
import { type PartitionStore, type ReadBudget, isSamePartition, isSpent } from './partition-store.ts'

const sliceRecords = 1000
const sliceBytes = 1_048_576
const faultPauseMs = 1000

/** Takes one line about a fault that is outlasted; a Fastify logger fits. */
export interface FaultLog {
  warn(details: { readonly err: Error }, message: string): void
}

export interface LogReaderOptions {
  readonly file: LogFile
  readonly watch: AppendWatch
  readonly patience: Patience
  readonly stats: EmbeddedLogStats
  readonly logger: FaultLog
  /** Aborts when the log is closed. */
  readonly closing: AbortSignal
}

/** `sinceMs`: on a clock that only goes on. */
export interface ReadFault {
  readonly sinceMs: number
  readonly message: string
}

/** How far a tail has read a partition. */
interface Cursor {
  readonly store: PartitionStore
  next: number
  /** Whether the consumer expects another epoch, so that it has to be told of this one though nothing is there to read. */
  isEpochUntold: boolean
}

/** The reads of one log. A slice is read whole before anything is awaited, so no reader ever holds the file. */
export class LogReader {
  readonly #file: LogFile
  readonly #watch: AppendWatch
  readonly #patience: Patience
  readonly #logger: FaultLog
  readonly #stats: EmbeddedLogStats
  readonly #closing: AbortSignal
  #fault: ReadFault | undefined

  constructor({ file, watch, patience, stats, logger, closing }: LogReaderOptions) {
    this.#file = file
    this.#watch = watch
    this.#patience = patience
    this.#logger = logger
    this.#stats = stats
    this.#closing = closing
  }

  /** Why the file could not be read the last time, and since when. */
  get fault(): ReadFault | undefined {
    return this.#fault
  }

  /** See `EventLog.tail`. */
  async *tail(
    from: readonly Position[],
    signal: AbortSignal,
  ): AsyncGenerator<readonly LogBatch[], void, undefined> {
    const { stores, epoch } = this.#file
    const end = AbortSignal.any([signal, this.#closing])
    const cursors = stores.map(store => cursorOf(store, epoch, from))
    for (let turn = 0; !end.aborted; turn += 1) {
      const { version } = this.#watch
      const batches = await this.#readSlice(cursors, turn, end)
      if (end.aborted) return
      if (batches.length > 0) {
        yield batches
        // A read waits for nothing: without this, a tail far behind would starve everything else.
        await setImmediate()
      } else await this.#watch.wait(version, end)
    }
  }

  /** See `EventLog.range`. Ends at the log's end where `to` lies past it. */
  async *range(
    store: PartitionStore,
    [from, to]: readonly [from: number, to: number],
    signal: AbortSignal,
  ): AsyncGenerator<LogBatch, void, undefined> {
    let next = from
    while (next < to && !signal.aborted && !this.#closing.aborted) {
      const batch = await patiently(this.#patience, () => store.read(next, to, newBudget()))
      if (batch === undefined) return
      next = batch.to
      yield batch
      await setImmediate()
    }
  }

  /** Reads what there is, up to a slice. A fault is logged, and the read tried again a second later. */
  async #readSlice(
    cursors: readonly Cursor[],
    turn: number,
    signal: AbortSignal,
  ): Promise<readonly LogBatch[]> {
    while (!signal.aborted) {
      try {
        const batches = await patiently(this.#patience, () => readSlice(cursors, turn))
        this.#fault = undefined
        return batches
      } catch (thrown) {
        const error = embeddedLogError(this.#file.path, thrown)
        if (signal.aborted) return []
        this.#stats.faults += 1
        this.#fault = { sinceMs: this.#fault?.sinceMs ?? performance.now(), message: error.message }
        this.#logger.warn({ err: error }, 'the embedded log cannot be read; trying again')
        await setTimeout(faultPauseMs, undefined, { signal }).catch(() => undefined)
      }
    }
    return []
  }
}

/** Begins with another partition each turn, so that none is starved. Cursors move only if every read went well. */
function readSlice(cursors: readonly Cursor[], turn: number): LogBatch[] {
  const budget = newBudget()
  const read = new Map<Cursor, LogBatch>()
  for (let index = 0; index < cursors.length && !isSpent(budget); index += 1) {
    const cursor = cursors[(turn + index) % cursors.length]
    if (cursor === undefined) continue
    const batch = cursor.store.read(cursor.next, Number.MAX_SAFE_INTEGER, budget)
    if (batch !== undefined) read.set(cursor, batch)
    else if (cursor.isEpochUntold) read.set(cursor, cursor.store.beginning())
  }
  for (const [cursor, batch] of read) {
    cursor.next = batch.to
    cursor.isEpochUntold = false
  }
  return [...read.values()]
}

function newBudget(): ReadBudget {
  return { records: sliceRecords, bytes: sliceBytes }
}

/** Where a tail begins: as told, or at 0, from where the first read finds the first record there is. */
function cursorOf(store: PartitionStore, epoch: string, from: readonly Position[]): Cursor {
  const position = from.find(each => isSamePartition(each.partition, store.partition))
  const isForeign = position !== undefined && position.epoch !== epoch
  const isKnown = position !== undefined && !isForeign
  return { store, next: isKnown ? position.offset : 0, isEpochUntold: isForeign }
}
