import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createEmbeddedLog, type EmbeddedLogOptions } from '../../../src/log/embedded/embedded-log.ts'
import { tableOf } from '../../../src/log/embedded/partition-store.ts'
import type { EventLog, Position } from '../../../src/log/event-log.ts'
import { defaultTopics } from '../../../src/log/topics.ts'
import type { LogUnderTest } from '../conformance.ts'

/** A log that must meet no fault. */
export const faultlessLogger: EmbeddedLogOptions['logger'] = {
  warn: fields => {
    throw Object(fields).err
  },
}

export interface TemporaryLog extends LogUnderTest {
  readonly path: string
}

/** Opens a log in a new folder, which goes with it. */
export async function openTemporaryLog(options: Partial<EmbeddedLogOptions> = {}): Promise<TemporaryLog> {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-log-'))
  const path = join(folder, 'made', 'log.sqlite')
  const opened: EventLog[] = []
  const open = (): EventLog => {
    const log = createEmbeddedLog({ path, topics: defaultTopics, logger: faultlessLogger, ...options })
    opened.push(log)
    return log
  }
  return {
    path,
    log: open(),
    reopen: async () => open(),
    dropBefore: async position => dropRecords(path, position),
    close: async () => {
      for (const log of opened) await log.close()
      await rm(folder, { recursive: true })
    },
  }
}

function dropRecords(path: string, { partition, offset }: Position): void {
  const database = new DatabaseSync(path, { timeout: 5000 })
  const { topic, partition: number } = partition
  const row = database
    .prepare('UPDATE partition SET first = ? WHERE topic = ? AND number = ? RETURNING id')
    .get(offset, topic, number)
  database.prepare(`DELETE FROM ${tableOf(Number(row?.['id']))} WHERE "offset" < ?`).run(offset)
  database.close()
}
