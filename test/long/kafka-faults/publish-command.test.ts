import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type KafkaBroker, startKafka } from '../../support/kafka.ts'
import { type Account, faultless, linesTwice } from './publish-account.ts'
import { PublishRun } from './publish-run.ts'
import { report } from './scenario.ts'

/** From the broker's end to its start; it answers some seconds after that. */
const outageMs = 15_000
/** More than an append is tried for. */
const longOutageMs = 35_000
/**
 * An event is tried for 30 s; the broker has to be found again in that time. Brokers start slowly on a busy
 * machine.
 */
const surelyInTimeMs = 24_000
/** What an end at once may take, on a busy machine. */
const promptMs = 5000
const lines = 10_000
const ratePerS = 400
/** What the command says when everything is published by one run. */
const complete = { exitCode: 0, published: lines, missing: [], goOnFrom: undefined }

let broker: KafkaBroker
let runs: PublishRun[] = []

beforeAll(async () => {
  broker = await startKafka()
})
afterEach(async () => {
  await Promise.all(runs.map(run => run.stop()))
  runs = []
})
afterAll(() => broker.stop())

const ends = {
  SIGTERM: () => broker.shutDown(),
  SIGKILL: () => broker.kill(),
}

describe.each(['SIGTERM', 'SIGKILL'] as const)('the broker, ended by %s for about 20 s', signal => {
  test('is waited for by a file at a rate and by a pipe, and every line is there once', async () => {
    const [file, pipe] = [await prepare(), await prepare()]
    file.startFile()
    pipe.startPipe()
    await Promise.all([file.arrivals(1000), pipe.arrivals(1000)])
    const downMs = await outage(signal, outageMs)
    for (const [name, run] of Object.entries({ file, pipe })) {
      const account = await run.ended()
      if (downMs < surelyInTimeMs) expect(account).toMatchObject(complete)
      else await resume(run, account)
      const { verdict, truth } = await run.check()
      tell(`publish command, ${signal}, ${name}`, run, {
        'down s': seconds(downMs),
        twice: linesTwice(truth),
      })
      expect(verdict).toEqual(faultless)
      expect(truth.length - linesTwice(truth)).toBe(lines)
      expect(linesTwice(truth)).toBeLessThanOrEqual(againLines(account))
    }
  })
})

test('interrupted in an outage, it finishes open appends and continues from the line it names', async () => {
  const run = await prepare()
  const command = run.startFile()
  await run.arrivals(1000)
  await broker.kill()
  await pause(2000)
  command.kill('SIGINT')
  await pause(3000)
  await broker.restart()
  const interrupted = await run.ended()
  expect(interrupted).toMatchObject({ exitCode: 130, missing: [], goOnFrom: interrupted.published + 1 })
  const resumed = await resume(run, interrupted)
  const { verdict, truth } = await run.check()
  tell('publish command, interrupted once', run, { records: truth.length })
  expect(resumed.published).toBe(lines - interrupted.published)
  expect(verdict).toEqual(faultless)
  expect(truth.length).toBe(lines)
})

test('interrupted twice in an outage, it ends at once, and names the lines that may come twice', async () => {
  const run = await prepare()
  const command = run.startFile()
  await run.arrivals(1000)
  await broker.kill()
  await pause(2000)
  command.kill('SIGINT')
  await pause(1000)
  const abandonedAt = performance.now()
  command.kill('SIGINT')
  const interrupted = await run.ended()
  const endedMs = Math.round(performance.now() - abandonedAt)
  await broker.restart()
  expect(interrupted.exitCode).toBe(130)
  expect(interrupted.missingCount).toBeGreaterThan(0)
  expect(interrupted.goOnFrom).toBe(interrupted.missing[0]!.firstLine)
  expect(endedMs).toBeLessThan(promptMs)
  await resume(run, interrupted)
  const { verdict, truth } = await run.check()
  tell('publish command, interrupted twice', run, { 'ended ms': endedMs, twice: linesTwice(truth) })
  expect(verdict).toEqual(faultless)
  expect(linesTwice(truth)).toBeLessThanOrEqual(againLines(interrupted))
})

test('after an outage of about 40 s it names what it gave up, and the rest goes on from there', async () => {
  const run = await prepare()
  run.startFile()
  await run.arrivals(1000)
  const downMs = await outage('SIGKILL', longOutageMs)
  const failed = await run.ended()
  expect(failed.exitCode).toBe(1)
  expect(failed.missingCount).toBeGreaterThan(0)
  expect(failed.goOnFrom).toBe(failed.missing[0]!.firstLine)
  await resume(run, failed)
  const { verdict, truth } = await run.check()
  tell('publish command, SIGKILL for about 40 s', run, {
    'down s': seconds(downMs),
    twice: linesTwice(truth),
  })
  expect(verdict).toEqual(faultless)
  expect(linesTwice(truth)).toBeLessThanOrEqual(againLines(failed))
})

async function prepare(): Promise<PublishRun> {
  const run = await PublishRun.prepare({ brokers: broker.brokers, lines, ratePerS })
  runs.push(run)
  return run
}

/** Resolves with the time without a broker, in ms. */
async function outage(signal: keyof typeof ends, durationMs: number): Promise<number> {
  await ends[signal]()
  const endedAt = performance.now()
  await pause(durationMs)
  await broker.restart()
  return performance.now() - endedAt
}

/** Publishes the rest of the file, as the command said; none, where it said that nothing is missing. */
async function resume(run: PublishRun, { goOnFrom = lines + 1 }: Account): Promise<Account> {
  run.startFile(goOnFrom)
  const account = await run.ended()
  expect(account).toMatchObject({ exitCode: 0, missing: [], goOnFrom: undefined })
  return account
}

/** How many lines a run handed over that the next one begins with. */
function againLines(account: Account): number {
  const { goOnFrom = lines + 1, fromLine, published, missingCount } = account
  return fromLine + published + missingCount - goOnFrom
}

function tell(
  name: string,
  { accounts }: PublishRun,
  figures: Readonly<Record<string, number | string>>,
): void {
  report(name, {
    published: accounts.map(({ published }) => published).join(' + '),
    'not published': accounts.map(({ absentCount }) => absentCount).join(' + '),
    'not acknowledged': accounts
      .map(({ missingCount, absentCount }) => missingCount - absentCount)
      .join(' + '),
    'exit codes': accounts.map(({ exitCode }) => exitCode).join(', '),
    ...figures,
  })
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}
