import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { setInterval } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'

const everyMs = 200
/** For this long at most appends wait while a restart waits for the readers of the old pages. */
const busyMs = 10
/** In pages of 4 KiB: copies 8 MiB at a time. */
const copyPages = 2048
/** A write-ahead log of 16 MiB begins anew, unless a reader still holds more of it than a megabyte. */
const restartPages = 4096
const heldPages = 256

/**
 * Copies what was appended from the write-ahead log into the file. That waits for the disk: in the thread of
 * the appends it would block their event loop for 5 to 10 ms, several times a second under load.
 */
async function checkpoint(path: string): Promise<void> {
  const database = new DatabaseSync(path, { timeout: busyMs })
  database.exec('PRAGMA synchronous = NORMAL')
  // Modes: https://www.sqlite.org/c3ref/c_checkpoint_full.html
  const measure = database.prepare('PRAGMA wal_checkpoint(NOOP)')
  // Copies beside the appends, without a lock; but while they go on it never reaches the end of the log.
  const copy = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  // Lets appends wait for the little that is left, so that the next one begins the log anew.
  const restart = database.prepare('PRAGMA wal_checkpoint(RESTART)')
  for await (const _ of setInterval(everyMs)) {
    if (uncopied(measure.get()) < copyPages) continue
    const extent = copy.get()
    if (Number(extent?.['log']) >= restartPages && uncopied(extent) < heldPages) restart.get()
  }
}

/** The pages of the write-ahead log that are not yet in the file. */
function uncopied(extent: Readonly<Record<string, SQLOutputValue>> | undefined): number {
  return Number(extent?.['log']) - Number(extent?.['checkpointed'])
}

// The thread that `Checkpoints` starts; it runs until it is terminated.
await checkpoint(String(workerData))
