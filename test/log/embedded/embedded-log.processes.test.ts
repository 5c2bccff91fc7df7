import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { createEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { EventLog } from '../../../src/log/event-log.ts'
import { defaultTopics } from '../../../src/log/topics.ts'
import { appendAll, bound, eventsOf, readEvents, readRange } from '../conformance/reading.ts'
import { sampleTrade, sampleTrades } from '../conformance/sample-event.ts'
import type { Acknowledgement } from './log-process.ts'
import { faultlessLogger, openTemporaryLog, type TemporaryLog } from './temporary-log.ts'

const script = fileURLToPath(new URL('log-process.ts', import.meta.url))
const ends: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

test('several processes append to one file and read it at the same time', async () => {
  const own = await open()
  const reading = readEvents(own.log, [], 9000)
  const readElsewhere = firstLine(start('read', own.path, '9000'))
  const writers = [start('append', own.path, 'ONE', '3000'), start('append', own.path, 'TWO', '3000')]
  const acknowledged = await Promise.all([
    ...writers.map(writer => acknowledgements(writer)),
    appendSlowly(own.log, 3000),
  ])
  const read = await reading
  expect(read.map(({ offset }) => offset)).toEqual(Array.from({ length: 9000 }, (_, offset) => offset))
  for (const [index, symbol] of ['ONE', 'TWO', 'OWN'].entries()) {
    const ofSymbol = read.filter(({ key }) => key === symbol)
    expect(ofSymbol.map(({ event }) => event)).toEqual(sampleTrades(symbol, 3000))
    expect(ofSymbol.map(({ offset }) => offset)).toEqual(
      acknowledged[index]!.flatMap(({ offsets }) => offsets),
    )
  }
  expect(JSON.parse(await readElsewhere)).toEqual(read.map(({ offset, key }) => [offset, key]))
})

test('several processes may create the file at the same time', async () => {
  const path = join(await temporaryFolder(), 'new', 'log.sqlite')
  const writers = ['ONE', 'TWO', 'THREE'].map(symbol => start('append', path, symbol, '74'))
  const acknowledged = await Promise.all(writers.map(acknowledgements))
  const offsets = acknowledged.flat().flatMap(each => each.offsets)
  expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 222 }, (_, offset) => offset))
})

test('events are refused with the cure when the disk is full; acknowledged events stay', async () => {
  const path = join(await temporaryFolder(), 'log.sqlite')
  // No file of this process may exceed 2,000 blocks of 512 or 1,024 bytes: to SQLite, the disk is full then.
  const limited = ['-c', 'ulimit -f 2000 && exec "$@"', 'sh', process.execPath, script]
  const writer = spawn('sh', [...limited, 'append', path, 'AAPL', '1000000'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const errors = text(writer.stderr)
  const acknowledged = await acknowledgements(writer)
  expect(await errors).toContain(`EmbeddedLogError: ${path}: the disk is full or failing: free space`)
  const log = createEmbeddedLog({ path, topics: defaultTopics, logger: faultlessLogger })
  ends.push(() => log.close())
  const count = acknowledged.reduce((sum, { offsets }) => sum + offsets.length, 0)
  expect((await readEvents(log, [], count)).map(({ event }) => event)).toEqual(sampleTrades('AAPL', count))
})

test('a process that closes nothing ends by itself once it neither appends nor reads', async () => {
  const own = await open()
  const writer = start('append', own.path, 'ONE', '100')
  await acknowledgements(writer)
  await expect(exitOf(writer)).resolves.toBe(0)
})

test('every acknowledged event is there after the process was killed while it appended, twice', async () => {
  const own = await open()
  for (let round = 0; round < 2; round += 1) {
    const acknowledged = await killAfter(start('append', own.path, `KILLED${round}`, '1000000'), 40)
    const again = await own.reopen()
    const { stable } = await again.ends({ topic: 'market.trades', partition: 0 })
    const read = eventsOf(await readRange(again, { topic: 'market.trades', partition: 0 }, [0, stable]))
    expect(read.map(({ offset }) => offset)).toEqual(Array.from({ length: stable }, (_, offset) => offset))
    for (const { first, offsets } of acknowledged)
      for (const [index, offset] of offsets.entries())
        assert.deepEqual(read[offset]?.event, sampleTrade(`KILLED${round}`, first + index))
    // The log goes on where the killed process left it.
    const [next] = await appendAll(again, [sampleTrade('NEXT', round)])
    expect(next!.offset).toBe(stable)
  }
})

async function open(): Promise<TemporaryLog> {
  const own = await openTemporaryLog()
  ends.push(() => own.close())
  return own
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-log-'))
  ends.push(() => rm(folder, { recursive: true }))
  return folder
}

function start(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  ends.push(async () => {
    child.kill('SIGKILL')
    await exitOf(child)
  })
  return child
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit', { signal: bound() })
  return child.exitCode
}

/** The acknowledgements that a process printed until its output ended. */
async function acknowledgements(child: ChildProcess): Promise<Acknowledgement[]> {
  const acknowledged: Acknowledgement[] = []
  for await (const line of createInterface({ input: child.stdout! })) acknowledged.push(JSON.parse(line))
  return acknowledged
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line
  throw new Error('the process ended without a line')
}

/** Kills the process after some acknowledgements, and returns all that it printed. */
async function killAfter(child: ChildProcess, portions: number): Promise<Acknowledgement[]> {
  const acknowledged: Acknowledgement[] = []
  for await (const line of createInterface({ input: child.stdout! })) {
    // The last line may have been cut off.
    if (line.endsWith('}')) acknowledged.push(JSON.parse(line))
    if (acknowledged.length === portions) child.kill('SIGKILL')
  }
  return acknowledged
}

async function appendSlowly(log: EventLog, count: number): Promise<Acknowledgement[]> {
  const acknowledged: Acknowledgement[] = []
  for (let first = 0; first < count; first += 10) {
    const positions = await appendAll(
      log,
      Array.from({ length: 10 }, (_, index) => sampleTrade('OWN', first + index)),
    )
    acknowledged.push({ first, offsets: positions.map(({ offset }) => offset) })
  }
  return acknowledged
}
