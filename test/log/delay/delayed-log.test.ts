import { afterEach, expect, test } from 'vitest'
import { DelayedLog, type EventTimes } from '../../../src/log/delayed-log.ts'
import type { LogBatch } from '../../../src/log/event-log.ts'
import { VirtualTime } from '../../support/virtual-time.ts'
import { MemoryLog } from './memory-log.ts'

const minuteMs = 60_000
const delayMs = 15 * minuteMs
const mebibyte = 1_048_576
const stop = new AbortController()
const readings: Reading[] = []

afterEach(async () => {
  for (const reading of readings.splice(0)) await reading.stop()
})

/** A reader of a delayed log, who notes when which offset came. */
class Reading {
  readonly time = new VirtualTime()
  readonly log = new MemoryLog(2)
  readonly delayed: DelayedLog
  readonly batches: LogBatch[] = []
  /** By partition and offset, on the steady clock. */
  readonly cameMs = new Map<string, number>()
  readonly #stop = new AbortController()
  #ended: Promise<void> = Promise.resolve()

  constructor(eventTimes?: EventTimes) {
    const { time: clock, log } = this
    const { startTimer } = clock
    this.delayed = new DelayedLog({ log, delayMs, clock, startTimer, ...(eventTimes && { eventTimes }) })
    readings.push(this)
  }

  /** Writes records of a size to a partition, stamped now. */
  write(partition: number, count: number, { bytes = 10, stampedMs = 0 } = {}): void {
    const timestampMs = this.time.wall() + stampedMs
    const records = Array.from({ length: count }, () => ({ timestampMs, value: 'x'.repeat(bytes) }))
    this.log.parts[partition]!.write(records)
  }

  follow(): void {
    this.#ended = this.#follow()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #follow(): Promise<void> {
    for await (const batches of this.delayed.tail([], this.#stop.signal)) {
      this.batches.push(...batches)
      for (const { partition, records } of batches) {
        for (const { offset } of records)
          this.cameMs.set(`${partition.partition}/${offset}`, this.time.steady())
      }
    }
  }
}

test('holds a bounded piece of a busy partition, however much lies within the delay', async () => {
  const reading = new Reading()
  const { time, log, delayed } = reading
  reading.follow()
  for (let second = 0; second < 60; second += 1) {
    reading.write(0, 200, { bytes: 1000 })
    await time.pass(1000)
  }
  await time.pass(delayMs / 2)
  expect(delayed.heldBytes).toBeGreaterThan(3 * mebibyte)
  expect(delayed.heldBytes).toBeLessThan(4.5 * mebibyte)
  const { asked } = log
  await time.pass(delayMs / 2 + 100)
  expect(reading.cameMs.size).toBe(12_000)
  // Some 15 MiB in pieces of 2 MiB; MemoryLog counts every batch of a hundred records.
  expect(log.asked - asked).toBeLessThan(2000)
  expect(delayed.heldBytes).toBe(0)
})

test('asks a quiet log some times a minute', async () => {
  const { time, log } = startReading()
  await time.pass(minuteMs)
  const { asked } = log
  await time.pass(10 * minuteMs)
  // Every 5 s for records of each partition, every 3 s for new partitions.
  expect((log.asked - asked) / 10).toBeLessThanOrEqual(2 * 12 + 20 + 1)
})

test('gives the records of a partition on time while another cannot be read, and says that', async () => {
  const reading = startReading()
  const { time, log, delayed } = reading
  await time.pass(minuteMs)
  log.parts[1]!.isLed = false
  const writtenMs = time.steady()
  reading.write(0, 1)
  reading.write(1, 1)
  await time.pass(minuteMs)
  expect(delayed.trouble).toBe('market.trades/1 has no leader')
  expect(time.steady() - delayed.silentSinceMs!).toBeGreaterThan(50_000)
  await time.pass(delayMs)
  expect([...reading.cameMs.keys()]).toEqual(['0/0'])
  expect(reading.cameMs.get('0/0')! - writtenMs - delayMs).toBeLessThan(25)
  log.parts[1]!.isLed = true
  await time.pass(5000)
  expect([...reading.cameMs.keys()]).toEqual(['0/0', '1/0'])
  expect([delayed.silentSinceMs, delayed.trouble]).toEqual([undefined, undefined])
})

test('leaves a partition that its topic lacks since it was recreated', async () => {
  const { time, log, delayed } = startReading()
  await time.pass(minuteMs)
  for (const part of log.parts) part.recreate()
  log.dropLast()
  await time.pass(minuteMs)
  expect([delayed.silentSinceMs, delayed.trouble]).toEqual([undefined, undefined])
})

test('counts an event time as the latest possible while nobody can say it', async () => {
  const reading = new Reading(() => new Promise(() => undefined))
  reading.follow()
  const writtenMs = reading.time.steady()
  reading.write(0, 1)
  await reading.time.pass(delayMs + 4900)
  expect(reading.cameMs.size).toBe(0)
  await reading.time.pass(200)
  expect(reading.cameMs.get('0/0')! - writtenMs - delayMs).toBeCloseTo(5000, -2)
})

/**
 * Cause: the log answers that records without a timestamp before its end are due, but the reader held them
 * for a delay. Symptom: a node that had just started was not ready for that long. Seen: one record with the
 * timestamp 0, TICKER_FEEDS=live,delayed:20000.
 */
test('gives a consumer at its start what is due by the ends of the log, also without timestamps', async () => {
  const reading = new Reading()
  const { time, delayed, log } = reading
  const [part] = log.parts
  const undated = { timestampMs: 0, value: 'x' }
  part!.write([undated, undated])
  await time.pass(minuteMs)
  expect(await delayed.ends(part!.partition)).toMatchObject({ stable: 2 })
  reading.follow()
  await time.pass(100)
  expect([...reading.cameMs.keys()]).toEqual(['0/0', '0/1'])
  part!.write([undated])
  await time.pass(delayMs)
  expect(reading.cameMs.size).toBe(2)
  await time.pass(minuteMs)
  expect(reading.cameMs.size).toBe(3)
})

test('ends ranges and answers before what is not due, and says where the log underneath ends', async () => {
  const reading = startReading()
  const { time, delayed, log } = reading
  const { partition } = log.parts[0]!
  reading.write(0, 3)
  await time.pass(delayMs + 100)
  reading.write(0, 4)
  await time.pass(minuteMs)
  expect(await delayed.ends(partition)).toEqual({ first: 0, stable: 3, written: 7 })
  expect(await delayed.offsetAt(partition, time.wall())).toBe(3)
  const batches = await Array.fromAsync(delayed.range(partition, 1, 7, stop.signal))
  expect(batches).toMatchObject([{ from: 1, to: 3, stable: 3 }])
  expect(batches[0]!.records.map(({ offset }) => offset)).toEqual([1, 2])
})

test('says how far a reader is behind that starts in the middle', async () => {
  const reading = new Reading()
  const { time } = reading
  for (let portion = 0; portion < 10; portion += 1) reading.write(0, 2000, { bytes: 500 })
  await time.pass(delayMs + 6000)
  reading.follow()
  // Catching up takes turns of the event loop, of which there are some in each portion of time.
  for (let portion = 0; portion < 100; portion += 1) await time.pass(20)
  const lags = reading.batches.map(({ stable, to }) => stable - to)
  expect(Math.max(...lags)).toBeGreaterThan(10_000)
  expect(lags.at(-1)).toBe(0)
})

function startReading(): Reading {
  const reading = new Reading()
  reading.follow()
  return reading
}
