import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { Ends, LogBatch, LogRecord, Partition } from '../event-log.ts'

/** How much may still be read. Several reads of one slice share a budget. */
export interface ReadBudget {
  records: number
  bytes: number
}

/** A record to write. */
export interface NewRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer
  readonly value: Buffer
}

/** Which records to drop: the oldest, until `bytes` are freed and none is older than `horizonMs`. */
export interface TrimGoal {
  readonly bytes: number
  readonly horizonMs: number
}

const noHeaders: LogRecord['headers'] = []
/** The limits of one trim, which blocks the event loop for about a millisecond. */
const maxTrimRecords = 500
const maxTrimBytes = 2_097_152

/**
 * The records of one partition, in a table of its own, whose rowid is the offset. So appends fill pages from
 * left to right, and dropping the oldest records frees whole pages. Between the partition's ends every offset
 * has a record.
 */
export class PartitionStore {
  readonly partition: Partition
  readonly #epoch: string
  readonly #id: number
  readonly #ends: StatementSync
  readonly #setEnd: StatementSync
  readonly #setFirst: StatementSync
  readonly #insert: StatementSync
  readonly #read: StatementSync
  readonly #timeAt: StatementSync
  readonly #sizes: StatementSync
  readonly #trim: StatementSync

  /** Prepares the statements for the partition with the id `id` in the file. Its table must exist. */
  constructor(
    database: DatabaseSync,
    id: number,
    { partition, epoch }: { partition: Partition; epoch: string },
  ) {
    this.partition = partition
    this.#epoch = epoch
    this.#id = id
    const table = tableOf(id)
    this.#ends = database.prepare('SELECT first, "end", lastMs FROM partition WHERE id = ?')
    this.#setEnd = database.prepare('UPDATE partition SET "end" = ?, lastMs = ? WHERE id = ?')
    this.#setFirst = database.prepare('UPDATE partition SET first = ? WHERE id = ?')
    this.#insert = database.prepare(`INSERT INTO ${table} VALUES (?, ?, ?, ?, NULL)`)
    this.#read = database.prepare(
      `SELECT "offset", timestampMs, "key", value FROM ${table}
        WHERE "offset" >= ? AND "offset" < ? ORDER BY "offset"`,
    )
    this.#timeAt = database.prepare(
      `SELECT "offset", timestampMs FROM ${table} WHERE "offset" >= ? ORDER BY "offset" LIMIT 1`,
    )
    this.#sizes = database.prepare(
      `SELECT "offset", timestampMs, length(value) AS bytes FROM ${table}
        ORDER BY "offset" LIMIT ${maxTrimRecords}`,
    )
    this.#trim = database.prepare(`DELETE FROM ${table} WHERE "offset" < ?`)
  }

  ends(): Ends {
    const row = this.#ends.get(this.#id)
    return { first: Number(row?.['first']), stable: Number(row?.['end']) }
  }

  /** The time of the last record ever appended. */
  lastMs(): number {
    return Number(this.#ends.get(this.#id)?.['lastMs'])
  }

  /** Writes a record, within a transaction that ends with `setEnd`. */
  insert({ offset, timestampMs, key, value }: NewRecord): void {
    this.#insert.run(offset, timestampMs, key, value)
  }

  setEnd(end: number, lastMs: number): void {
    this.#setEnd.run(end, lastMs, this.#id)
  }

  /**
   * Reads `[from, to)` as far as the budget allows, but at least one record, and reduces the budget. Returns
   * `undefined` if there is nothing between `from` and `to`. Returns an empty batch at the end if the file
   * has lost the records before `from`. Another process may drop records meanwhile, so a batch begins at the
   * first record that was found.
   */
  read(from: number, to: number, budget: ReadBudget): LogBatch | undefined {
    const { stable } = this.ends()
    if (from > stable) return this.#batch([], { from: stable, to: stable, stable })
    const limit = Math.min(to, stable)
    if (from >= limit) return undefined
    const records: LogRecord[] = []
    for (const row of this.#read.iterate(from, limit)) {
      const record = recordOf(row)
      records.push(record)
      budget.records -= 1
      budget.bytes -= record.value?.length ?? 0
      if (isSpent(budget)) break
    }
    const last = records.at(-1)
    const next = isSpent(budget) && last !== undefined ? last.offset + 1 : limit
    return this.#batch(records, { from: records[0]?.offset ?? limit, to: next, stable })
  }

  /** An empty batch at the first offset. */
  beginning(): LogBatch {
    const { first, stable } = this.ends()
    return this.#batch([], { from: first, to: first, stable })
  }

  /** The first offset whose record is not older than a time. Found by bisection: see `RecordWriter`. */
  offsetAt(timeMs: number): number {
    let { first: low, stable: high } = this.ends()
    while (low < high) {
      const row = this.#timeAt.get(Math.floor((low + high) / 2))
      if (row === undefined) return high
      if (Number(row['timestampMs']) < timeMs) low = Number(row['offset']) + 1
      else high = Math.min(high - 1, Number(row['offset']))
    }
    return low
  }

  /** The time of the oldest record; `undefined` if there is none. */
  oldestMs(): number | undefined {
    const time = this.#timeAt.get(0)?.['timestampMs']
    return time === undefined ? undefined : Number(time)
  }

  /** Drops some of the oldest records, towards the goal, within a transaction. Returns how many. */
  trim({ bytes, horizonMs }: TrimGoal): number {
    let freed = 0
    let first: number | undefined
    for (const row of this.#sizes.iterate()) {
      const isReached = freed >= bytes && Number(row['timestampMs']) >= horizonMs
      if (isReached || freed >= maxTrimBytes) break
      freed += Number(row['bytes'])
      first = Number(row['offset']) + 1
    }
    if (first === undefined) return 0
    this.#setFirst.run(first, this.#id)
    return Number(this.#trim.run(first).changes)
  }

  #batch(records: readonly LogRecord[], extent: Pick<LogBatch, 'from' | 'to' | 'stable'>): LogBatch {
    return { partition: this.partition, epoch: this.#epoch, ...extent, records }
  }
}

/** Whether the budget allows no further record. */
export function isSpent({ records, bytes }: ReadBudget): boolean {
  return records <= 0 || bytes <= 0
}

/** Whether two objects, perhaps of two logs, stand for the same partition. */
export function isSamePartition(one: Partition, other: Partition): boolean {
  return one.topic === other.topic && one.partition === other.partition
}

/** The name of the table that holds a partition's records. */
export function tableOf(id: number): string {
  return `record_${id}`
}

function recordOf(row: Readonly<Record<string, SQLOutputValue>>): LogRecord {
  return {
    offset: Number(row['offset']),
    timestampMs: Number(row['timestampMs']),
    key: bufferOf(row['key']),
    value: bufferOf(row['value']),
    headers: noHeaders,
  }
}

function bufferOf(bytes: SQLOutputValue | undefined): Buffer | null {
  if (!(bytes instanceof Uint8Array)) return null
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
