import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { setInterval } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'

const intervalMs = 200
/** The longest time that appends wait while a restart waits for readers of the old pages. */
const busyMs = 10
/** The pages of 4 KiB that are copied at a time: 8 MiB. */
const copyPages = 2048
/** A write-ahead log of 16 MiB begins anew, unless a megabyte of it still has to be copied. */
const restartPages = 4096
const maxUncopiedPages = 256

/**
 * Copies appended pages from the write-ahead log into the file. That waits for the disk. In the thread of the
 * appends it would block their event loop for 5 to 10 ms, several times a second under load.
 */
async function checkpoint(path: string): Promise<void> {
  const database = new DatabaseSync(path, { timeout: busyMs })
  database.exec('PRAGMA synchronous = NORMAL')
  // Modes: https://www.sqlite.org/c3ref/c_checkpoint_full.html
  const measure = database.prepare('PRAGMA wal_checkpoint(NOOP)')
  // Copies without a lock, beside the appends. While these go on, it never reaches the end of the log.
  const copy = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  // Makes appends wait while it copies the last pages, so that the next append begins the log anew.
  const restart = database.prepare('PRAGMA wal_checkpoint(RESTART)')
  for await (const _ of setInterval(intervalMs)) {
    if (uncopied(measure.get()) < copyPages) continue
    const extent = copy.get()
    if (Number(extent?.['log']) >= restartPages && uncopied(extent) < maxUncopiedPages) restart.get()
  }
}

/** The pages of the write-ahead log that are not in the file yet. */
function uncopied(extent: Readonly<Record<string, SQLOutputValue>> | undefined): number {
  return Number(extent?.['log']) - Number(extent?.['checkpointed'])
}

// `Checkpointer` starts this thread, which runs until it is terminated.
await checkpoint(String(workerData))
