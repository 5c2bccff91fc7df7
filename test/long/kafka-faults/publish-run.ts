import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Topics } from '../../../src/log/topics.ts'
import { sampleTrade } from '../../log/conformance/sample-event.ts'
import { Command } from '../../support/command.ts'
import { createTopics, kafkaVariables, type TopicOptions, withAdmin } from '../../support/topics.ts'
import { type Account, judge, readAccount, type Verdict } from './publish-account.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { symbols } from './scenario.ts'
import { readTruth, type TrueRecord } from './truth.ts'

const tickMs = 50
const timeoutMs = 180_000

export interface PublishRunOptions {
  readonly brokers: string
  readonly create?: TopicOptions
  /** How many the file has. */
  readonly lines: number
  readonly ratePerS: number
}

/** A file of numbered trades, topics of its own, and runs of the publish command from one into the other. */
export class PublishRun {
  readonly topics: Topics
  readonly accounts: Account[] = []
  readonly #options: PublishRunOptions
  readonly #folder: string
  #command: Command | undefined
  #fromLine = 1

  private constructor(
    options: PublishRunOptions,
    parts: { readonly topics: Topics; readonly folder: string },
  ) {
    this.#options = options
    this.topics = parts.topics
    this.#folder = parts.folder
  }

  static async prepare(options: PublishRunOptions): Promise<PublishRun> {
    const topics = await createTopics(options.brokers, options.create)
    const folder = await mkdtemp(join(tmpdir(), 'ticker-publish-'))
    const run = new PublishRun(options, { topics, folder })
    await writeFile(run.#file, linesBetween(1, options.lines))
    return run
  }

  /** Publishes the file from a line on, at its rate. */
  startFile(fromLine = 1): Command {
    const { ratePerS } = this.#options
    return this.#start(fromLine, [this.#file, '--rate', String(ratePerS), '--from-line', String(fromLine)])
  }

  /** Publishes the same lines from standard input, into which they are written at the rate. */
  startPipe(): Command {
    const command = this.#start(1, ['-'])
    // A command that has ended reads no more.
    void this.#feed(command).catch(() => undefined)
    return command
  }

  /** Waits for its end, and keeps what it said. */
  async ended(): Promise<Account> {
    const command = this.#command!
    const exitCode = await command.ended()
    const account = readAccount({ exitCode, fromLine: this.#fromLine }, command)
    this.accounts.push(account)
    return account
  }

  /** Waits until Kafka has so many records. */
  async arrivals(count: number): Promise<void> {
    const { brokers } = this.#options
    const { trades } = this.topics
    const arrived = async () => {
      // New partitions have no leader yet, as far as the broker has heard.
      const ends = await withAdmin(brokers, admin => admin.fetchTopicOffsets(trades)).catch(() => [])
      return ends.reduce((sum, { high }) => sum + Number(high), 0)
    }
    await waitUntil(async () => (await arrived()) >= count, `${count} records`)
  }

  /** Compares what was said with what Kafka holds. */
  async check(): Promise<{ readonly verdict: Verdict; readonly truth: readonly TrueRecord[] }> {
    const truth = await readTruth(this.#options.brokers, this.topics.trades)
    return { verdict: judge(this.accounts, truth), truth }
  }

  async stop(): Promise<void> {
    this.#command?.kill()
    await this.#command?.ended()
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #file(): string {
    return join(this.#folder, 'trades.jsonl')
  }

  #start(fromLine: number, args: readonly string[]): Command {
    const env = kafkaVariables(this.#options.brokers, this.topics)
    this.#fromLine = fromLine
    this.#command = new Command('publish', { args, env, timeoutMs })
    return this.#command
  }

  /** Writes as a program would whose lines come as time goes by, and which waits while the pipe is full. */
  async #feed({ child }: Command): Promise<void> {
    const { lines, ratePerS } = this.#options
    const startedAt = performance.now()
    for (let written = 0; written < lines && child.exitCode === null; ) {
      const due = Math.min(lines, Math.floor(((performance.now() - startedAt) / 1000) * ratePerS))
      if (due > written && !child.stdin.write(linesBetween(written + 1, due))) {
        await Promise.race([once(child.stdin, 'drain'), once(child, 'exit')])
      }
      written = Math.max(written, due)
      await pause(tickMs)
    }
    child.stdin.end()
  }
}

/** Trades whose numbers are those of their lines. */
function linesBetween(first: number, last: number): string {
  const line = (number: number) =>
    `${JSON.stringify(sampleTrade(symbols[number % symbols.length]!, number))}\n`
  return Array.from({ length: last - first + 1 }, (_, index) => line(first + index)).join('')
}
