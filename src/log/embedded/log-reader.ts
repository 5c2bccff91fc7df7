import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Clock } from '../../system/clock.ts'
import type { WarnLog } from '../../diagnostics/rate-limited-log.ts'
import type { LogBatch, Position } from '../event-log.ts'
import type { AppendWatch } from './append-watch.ts'
import { embeddedLogError } from './embedded-log-error.ts'
import type { EmbeddedLogStats } from './embedded-log-stats.ts'
import type { LogFile } from './log-file.ts'
import { isSamePartition, isSpent, type PartitionStore, type ReadBudget } from './partition-store.ts'

const sliceRecords = 1000
const sliceBytes = 1_048_576
const faultPauseMs = 1000

export interface LogReaderOptions {
  readonly file: LogFile
  readonly watch: AppendWatch
  readonly stats: EmbeddedLogStats
  readonly logger: WarnLog
  readonly clock: Clock
  /** Aborts when the log is closed. */
  readonly closing: AbortSignal
}

export interface ReadFault {
  /** On the steady clock. */
  readonly sinceMs: number
  readonly message: string
}

/** How far a tail has read a partition. */
interface Cursor {
  readonly store: PartitionStore
  next: number
  /** Whether a batch must announce the epoch, even an empty one: the consumer expects another. */
  mustAnnounceEpoch: boolean
}

/** The reads of one log. A slice is read before anything is awaited, so readers never lock the file. */
export class LogReader {
  readonly #options: LogReaderOptions
  #fault: ReadFault | undefined

  constructor(options: LogReaderOptions) {
    this.#options = options
  }

  /** Why the last read failed, and since when reads have failed; `undefined` if it succeeded. */
  get fault(): ReadFault | undefined {
    return this.#fault
  }

  /** See `EventLog.tail`. */
  async *tail(
    from: readonly Position[],
    signal: AbortSignal,
  ): AsyncGenerator<readonly LogBatch[], void, undefined> {
    const { file, watch, closing } = this.#options
    const end = AbortSignal.any([signal, closing])
    const cursors = file.stores.map(store => cursorOf(store, file.epoch, from))
    for (let turn = 0; !end.aborted; turn += 1) {
      const { version } = watch
      const batches = await this.#readSlice(cursors, turn, end)
      if (end.aborted) return
      if (batches.length > 0) {
        yield batches
        // A read never waits. Without this, a tail far behind would keep the event loop from all other work.
        await setImmediate()
      } else await watch.wait(version, end)
    }
  }

  /** See `EventLog.range`. Ends at the log's end if `to` lies beyond it. */
  async *range(
    store: PartitionStore,
    [from, to]: readonly [from: number, to: number],
    signal: AbortSignal,
  ): AsyncGenerator<LogBatch, void, undefined> {
    const { file, closing } = this.#options
    let next = from
    while (next < to && !signal.aborted && !closing.aborted) {
      const batch = await file.whenUnlocked(() => store.read(next, to, newBudget()))
      if (batch === undefined) return
      next = batch.to
      yield batch
      await setImmediate()
    }
  }

  /** Reads up to a slice. After a fault, logs it and tries again a second later. */
  async #readSlice(
    cursors: readonly Cursor[],
    turn: number,
    signal: AbortSignal,
  ): Promise<readonly LogBatch[]> {
    const { file, stats, logger, clock } = this.#options
    while (!signal.aborted) {
      try {
        const batches = await file.whenUnlocked(() => readSlice(cursors, turn))
        this.#fault = undefined
        return batches
      } catch (thrown) {
        const error = embeddedLogError(file.path, thrown)
        if (signal.aborted) return []
        stats.faults += 1
        this.#fault = { sinceMs: this.#fault?.sinceMs ?? clock.steady(), message: error.message }
        logger.warn({ err: error }, 'the embedded log cannot be read; trying again')
        await setTimeout(faultPauseMs, undefined, { signal }).catch(() => undefined)
      }
    }
    return []
  }
}

/** Begins with another partition each turn, to starve none. Cursors move only if every read succeeded. */
function readSlice(cursors: readonly Cursor[], turn: number): LogBatch[] {
  const budget = newBudget()
  const read = new Map<Cursor, LogBatch>()
  for (let index = 0; index < cursors.length && !isSpent(budget); index += 1) {
    const cursor = cursors[(turn + index) % cursors.length]
    if (cursor === undefined) continue
    const batch = cursor.store.read(cursor.next, Number.MAX_SAFE_INTEGER, budget)
    if (batch !== undefined) read.set(cursor, batch)
    else if (cursor.mustAnnounceEpoch) read.set(cursor, cursor.store.beginning())
  }
  for (const [cursor, batch] of read) {
    cursor.next = batch.to
    cursor.mustAnnounceEpoch = false
  }
  return [...read.values()]
}

function newBudget(): ReadBudget {
  return { records: sliceRecords, bytes: sliceBytes }
}

/** Begins at the given position, or else at 0, from where the first read finds the first record. */
function cursorOf(store: PartitionStore, epoch: string, from: readonly Position[]): Cursor {
  const position = from.find(each => isSamePartition(each.partition, store.partition))
  const isForeign = position !== undefined && position.epoch !== epoch
  const isKnown = position !== undefined && !isForeign
  return { store, next: isKnown ? position.offset : 0, mustAnnounceEpoch: isForeign }
}
