import { randomUUID } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import type { Clock } from '../../system/clock.ts'
import { makeFolder } from '../../system/make-folder.ts'
import { embeddedLogError, faultError } from './embedded-log-error.ts'
import { PartitionStore, tableOf } from './partition-store.ts'

export interface LogFileOptions {
  readonly path: string
  readonly topics: readonly string[]
  /** For topics that the file does not have yet. */
  readonly partitionsPerTopic: number
  /** How long another process may keep the file locked before `whenUnlocked` fails. */
  readonly lockTimeoutMs: number
  readonly clock: Clock
}

/** "tick": distinguishes our files from other SQLite databases. */
const applicationId = 0x7469636b
const schemaVersion = 1
/** SQLite would block the event loop while it waits for a lock. So it does not wait; `whenUnlocked` does. */
const busyMs = 0
const openingBusyMs = 5000
const lockPauseMs = 2
/** The pages at which an append copies the write-ahead log itself, because `Checkpointer` did not keep up. */
const checkpointPages = 16_384
/** A write-ahead log that grew beyond this is cut back when it begins anew. */
const walBytes = 16_777_216

const schema = `
  CREATE TABLE IF NOT EXISTS log (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS partition (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    number INTEGER NOT NULL,
    first INTEGER NOT NULL DEFAULT 0,
    "end" INTEGER NOT NULL DEFAULT 0,
    lastMs INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
  ) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`

/** The file of an embedded log: a database in WAL mode, which several processes may have open. */
export class LogFile {
  readonly path: string
  /** A random id, created with the file. */
  readonly epoch: string
  /** One for each partition of the configured topics. */
  readonly stores: readonly PartitionStore[]
  readonly #lockTimeoutMs: number
  readonly #clock: Clock
  readonly #database: DatabaseSync
  readonly #pageBytes: number
  readonly #pages: StatementSync
  readonly #freePages: StatementSync
  readonly #dataVersion: StatementSync

  /**
   * Opens the file. If they do not exist, creates the file (mode 0600) and its folder (0700). Throws an
   * EmbeddedLogError if the file cannot be used, and then leaves it unchanged.
   */
  constructor(options: LogFileOptions) {
    this.path = options.path
    this.#lockTimeoutMs = options.lockTimeoutMs
    this.#clock = options.clock
    this.#database = openDatabase(options.path)
    try {
      checkIdentity(this.#database, options.path)
      this.epoch = this.#create(options)
      this.stores = this.#openStores(options.topics)
      this.#checkEdges()
      this.#pageBytes = this.#pragma('page_size')
      this.#database.exec(`PRAGMA busy_timeout = ${busyMs}`)
    } catch (thrown) {
      this.#database.close()
      throw embeddedLogError(options.path, thrown)
    }
    this.#pages = this.#database.prepare('PRAGMA page_count')
    this.#freePages = this.#database.prepare('PRAGMA freelist_count')
    this.#dataVersion = this.#database.prepare('PRAGMA data_version')
  }

  /**
   * Does some work with the file, and repeats it while another process keeps the file locked, without
   * blocking the event loop in between. Rejects with an EmbeddedLogError.
   */
  async whenUnlocked<Result>(work: () => Result): Promise<Result> {
    const startedMs = this.#clock.steady()
    for (;;) {
      try {
        return work()
      } catch (thrown) {
        const error = embeddedLogError(this.path, thrown)
        const isLate = this.#clock.steady() - startedMs > this.#lockTimeoutMs
        if (error.fault !== 'locked' || isLate) throw error
      }
      await setTimeout(lockPauseMs)
    }
  }

  /** Runs statements in one transaction, with the file's only write lock. Either all take effect, or none. */
  transact(statements: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      statements()
      this.#database.exec('COMMIT')
    } catch (thrown) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw thrown
    }
  }

  /** A number that changes when another process, or another log of this process, has written to the file. */
  dataVersion(): number {
    return Number(this.#dataVersion.get()?.['data_version'])
  }

  /** The bytes in use, without those of dropped records, whose pages are used again. */
  usedBytes(): number {
    const pages =
      Number(this.#pages.get()?.['page_count']) - Number(this.#freePages.get()?.['freelist_count'])
    return pages * this.#pageBytes
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  #create({ topics, partitionsPerTopic }: LogFileOptions): string {
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA journal_size_limit = ${walBytes};
      PRAGMA wal_autocheckpoint = ${checkpointPages}`)
    this.transact(() => {
      this.#database.exec(schema)
      this.#database.prepare('INSERT OR IGNORE INTO log VALUES (1, ?)').run(randomUUID())
      for (const topic of topics) this.#createTopic(topic, partitionsPerTopic)
    })
    return String(this.#database.prepare('SELECT epoch FROM log').get()?.['epoch'])
  }

  /** A topic that exists keeps its number of partitions, or its keys would change partitions. */
  #createTopic(topic: string, partitions: number): void {
    if (this.#database.prepare('SELECT 1 FROM partition WHERE topic = ?').get(topic) !== undefined) return
    const insert = this.#database.prepare('INSERT INTO partition (topic, number) VALUES (?, ?)')
    for (let number = 0; number < partitions; number += 1) {
      this.#database.exec(`
        CREATE TABLE ${tableOf(Number(insert.run(topic, number).lastInsertRowid))} (
          "offset" INTEGER PRIMARY KEY,
          timestampMs INTEGER NOT NULL,
          "key" BLOB,
          value BLOB,
          headers BLOB
        ) STRICT`)
    }
  }

  #openStores(topics: readonly string[]): PartitionStore[] {
    const rows = this.#database.prepare('SELECT id, number FROM partition WHERE topic = ? ORDER BY number')
    return topics.flatMap(topic =>
      rows.all(topic).map(({ id, number }) => {
        const partition = { topic, partition: Number(number) }
        return new PartitionStore(this.#database, Number(id), { partition, epoch: this.epoch })
      }),
    )
  }

  /** Reads the first and last record of every partition, to find at once that a file was cut short. */
  #checkEdges(): void {
    for (const store of this.stores) {
      const { first, stable } = store.ends()
      const begins = store.read(first, stable, { records: 1, bytes: 1 })
      const ends = store.read(stable - 1, stable, { records: 1, bytes: 1 })
      if (first < stable && (begins?.from !== first || ends?.records.length !== 1)) {
        throw faultError(this.path, 'damaged')
      }
    }
  }

  #pragma(name: string): number {
    return Number(this.#database.prepare(`PRAGMA ${name}`).get()?.[name])
  }
}

/** Throws an EmbeddedLogError if a log could not be opened at `path`. Creates and changes nothing. */
export function checkLogFile(path: string): void {
  try {
    if (existsSync(path)) checkExisting(path)
    else rmdirSync(mkdtempSync(join(nearestFolder(dirname(resolve(path))), '.ticker-check-')))
  } catch (thrown) {
    throw embeddedLogError(path, thrown)
  }
}

function checkExisting(path: string): void {
  checkIsFile(path)
  accessSync(path, constants.R_OK | constants.W_OK)
  const database = new DatabaseSync(path, { readOnly: true, timeout: openingBusyMs })
  try {
    checkIdentity(database, path)
  } finally {
    database.close()
  }
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path))
}

function checkIsFile(path: string): void {
  if (!statSync(path).isFile()) throw new Error('it is not a file')
}

function openDatabase(path: string): DatabaseSync {
  try {
    makeFolder(dirname(resolve(path)))
    createFile(path)
    checkIsFile(path)
    return new DatabaseSync(path, { timeout: openingBusyMs })
  } catch (thrown) {
    throw embeddedLogError(path, thrown)
  }
}

/**
 * Never opens an existing file: to close it again would release the locks that other logs of this process
 * hold on it (https://www.sqlite.org/howtocorrupt.html §2.2).
 */
function createFile(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
}

/** Throws if a file is neither empty nor ours, before anything is written to it. */
function checkIdentity(database: DatabaseSync, path: string): void {
  const read = (pragma: string) => Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma])
  const tables = Number(database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.['tables'])
  if (tables === 0) return
  if (read('application_id') !== applicationId || read('user_version') !== schemaVersion) {
    throw faultError(path, 'foreign')
  }
}
