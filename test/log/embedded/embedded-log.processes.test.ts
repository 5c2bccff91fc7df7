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

test('several processes append to one file and read it at once', async () => {
  const own = await open()
  const reading = readEvents(own.log, [], 9000)
  const readElsewhere = firstLine(start('read', own.path, '9000'))
  const writers = [start('append', own.path, 'ONE', '3000'), start('append', own.path, 'TWO', '3000')]
  const told = await Promise.all([
    ...writers.map(writer => acknowledgements(writer)),
    appendSlowly(own.log, 3000),
  ])
  const read = await reading
  expect(read.map(({ offset }) => offset)).toEqual(Array.from({ length: 9000 }, (_, offset) => offset))
  for (const [index, symbol] of ['ONE', 'TWO', 'OWN'].entries()) {
    const ofSymbol = read.filter(({ key }) => key === symbol)
    expect(ofSymbol.map(({ event }) => event)).toEqual(sampleTrades(symbol, 3000))
    expect(ofSymbol.map(({ offset }) => offset)).toEqual(told[index]!.flatMap(({ offsets }) => offsets))
  }
  expect(JSON.parse(await readElsewhere)).toEqual(read.map(({ offset, key }) => [offset, key]))
})

test('several processes may find no file, and make it at once', async () => {
  const path = join(await temporaryFolder(), 'new', 'log.sqlite')
  const told = ['ONE', 'TWO', 'THREE'].map(symbol => acknowledgements(start('append', path, symbol, '74')))
  const offsets = (await Promise.all(told)).flatMap(each =>
    each.flatMap(acknowledgement => acknowledgement.offsets),
  )
  expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 222 }, (_, offset) => offset))
})

test('events are refused with the cure when the disk is full; what was told before stays', async () => {
  const path = join(await temporaryFolder(), 'log.sqlite')
  // No file of this process may exceed 2,000 blocks of 512 or 1,024 bytes: to SQLite a disk that takes no more.
  const limited = ['-c', 'ulimit -f 2000 && exec "$@"', 'sh', process.execPath, script]
  const writer = spawn('sh', [...limited, 'append', path, 'AAPL', '1000000'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const complaint = text(writer.stderr)
  const told = await acknowledgements(writer)
  expect(await complaint).toContain(`EmbeddedLogError: ${path}: the disk is full or failing: free space`)
  const log = createEmbeddedLog({ path, topics: defaultTopics, logger: faultlessLogger })
  ends.push(() => log.close())
  const count = told.reduce((sum, { offsets }) => sum + offsets.length, 0)
  expect((await readEvents(log, [], count)).map(({ event }) => event)).toEqual(sampleTrades('AAPL', count))
})

test('a process that closes nothing ends by itself once it neither appends nor reads', async () => {
  const own = await open()
  const writer = start('append', own.path, 'ONE', '100')
  await acknowledgements(writer)
  await expect(exitOf(writer)).resolves.toBe(0)
})

test('every position that was told is there after the process was killed while it appended, twice', async () => {
  const own = await open()
  for (let round = 0; round < 2; round += 1) {
    const told = await killAfter(start('append', own.path, `KILLED${round}`, '1000000'), 40)
    const again = await own.reopen()
    const { stable } = await again.ends({ topic: 'market.trades', partition: 0 })
    const read = eventsOf(await readRange(again, { topic: 'market.trades', partition: 0 }, [0, stable]))
    expect(read.map(({ offset }) => offset)).toEqual(Array.from({ length: stable }, (_, offset) => offset))
    for (const { first, offsets } of told)
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

/** All that a process told, once it has nothing more to tell. */
async function acknowledgements(child: ChildProcess): Promise<Acknowledgement[]> {
  const told: Acknowledgement[] = []
  for await (const line of createInterface({ input: child.stdout! })) told.push(JSON.parse(line))
  return told
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line
  throw new Error('the process ended without a line')
}

/** Kills the process once it told so many portions, and gives all that it told. */
async function killAfter(child: ChildProcess, portions: number): Promise<Acknowledgement[]> {
  const told: Acknowledgement[] = []
  for await (const line of createInterface({ input: child.stdout! })) {
    // The last line may have been cut off.
    if (line.endsWith('}')) told.push(JSON.parse(line))
    if (told.length === portions) child.kill('SIGKILL')
  }
  return told
}

async function appendSlowly(log: EventLog, count: number): Promise<Acknowledgement[]> {
  const told: Acknowledgement[] = []
  for (let first = 0; first < count; first += 10) {
    const positions = await appendAll(
      log,
      Array.from({ length: 10 }, (_, index) => sampleTrade('OWN', first + index)),
    )
    told.push({ first, offsets: positions.map(({ offset }) => offset) })
  }
  return told
}
