import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { readLogConfig } from '../../../src/config/config-reader.ts'
import type { MarketEvent } from '../../../src/event/event.ts'
import { openLog } from '../../../src/app/open-log.ts'
import type { EventLog } from '../../../src/log/event-log.ts'
import { streams, type Topics, topicOf } from '../../../src/log/topics.ts'
import { Command } from '../../support/command.ts'

/** A folder with an embedded log of its own, and what is needed to publish into it and to read it back. */
export class PublishFixture {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>

  private constructor(folder: string) {
    this.folder = folder
    this.env = { TICKER_MODE: 'development', TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite') }
  }

  static async open(): Promise<PublishFixture> {
    const fixture = new PublishFixture(await mkdtemp(join(tmpdir(), 'ticker-publish-')))
    onTestFinished(() => rm(fixture.folder, { recursive: true, force: true }))
    return fixture
  }

  async file(name: string, content: string | Buffer): Promise<string> {
    const path = join(this.folder, name)
    await writeFile(path, content)
    return path
  }

  publish(...args: string[]): Command {
    return publish(this.env, ...args)
  }

  log(): EventLog {
    return open(this.env)
  }

  /** Everything that was published, in the order of each topic. */
  async published(): Promise<MarketEvent[]> {
    const log = this.log()
    try {
      return await readAll(log)
    } finally {
      await log.close()
    }
  }
}

/** Runs the command with these variables alone. */
export function publish(env: Readonly<Record<string, string>>, ...args: string[]): Command {
  const command = new Command('publish', { args, env })
  onTestFinished(() => command.kill())
  return command
}

/** Opens the log that these variables name; it must meet no fault. */
export function open(env: Readonly<Record<string, string>>): EventLog {
  const warn = (_fields: object, message: string): void => {
    throw new Error(message)
  }
  return openLog(readLogConfig(env), { warn }).events
}

/** Everything in a log, partition by partition. */
export async function readAll(log: EventLog): Promise<MarketEvent[]> {
  const { signal } = new AbortController()
  const events: MarketEvent[] = []
  for (const { partition } of await log.partitions(signal)) {
    const { first, stable } = await log.ends(partition)
    for await (const { records } of log.range(partition, first, stable, signal)) {
      events.push(...records.map(({ value }) => JSON.parse(String(value)) as MarketEvent))
    }
  }
  return events
}

/** The events in the order in which an embedded log with one partition a topic is read. */
export function byTopic(events: readonly MarketEvent[]): MarketEvent[] {
  const names = Object.fromEntries(streams.map(stream => [stream, stream])) as unknown as Topics
  return streams.flatMap(stream => events.filter(event => topicOf(event, names) === stream))
}

/** The events of the first records that are published from now on. */
export async function firstRecords(log: EventLog): Promise<MarketEvent[]> {
  const ending = new AbortController()
  for await (const batches of log.tail([], ending.signal)) {
    const records = batches.flatMap(batch => batch.records)
    if (records.length === 0) continue
    const events = records.map(({ value }) => JSON.parse(String(value)) as MarketEvent)
    ending.abort()
    return events
  }
  throw new Error('the tail has ended')
}
