import assert from 'node:assert/strict'
import { DelayedLog } from '../../../src/log/delayed-log.ts'
import type { LogBatch, Position } from '../../../src/log/event-log.ts'
import { VirtualTime } from '../../support/virtual-time.ts'
import { MemoryLog, type MemoryPartition } from './memory-log.ts'

/** Something that may happen while a delayed log is read. */
export type DelayStep =
  | { kind: 'write'; of: number; records: { skewMs: number; eventAheadMs: number }[] }
  | { kind: 'pass'; ms: number }
  | { kind: 'mark'; of: number }
  | { kind: 'cut'; of: number; back: number }
  | { kind: 'drop'; of: number; kept: number }
  | { kind: 'recreate'; of: number }
  | { kind: 'outage'; ms: number }
  | { kind: 'restart' }
  | { kind: 'set'; byMs: number }

/** A record, and when it may come, on the steady clock. */
interface ModelRecord {
  readonly epoch: string
  readonly offset: number
  /** Whether its timestamp says when it was written, or earlier. */
  readonly isDated: boolean
  readonly earliestMs: number
  readonly latestMs: number
}

/** One partition as the model knows it. */
class ModelPartition {
  /** By their numbers, which their values begin with. */
  readonly expected = new Map<number, ModelRecord>()
  /** The latest time of the records so far: others wait for them. */
  lastMs = 0
  /** The same for records that the log alone could date, after an outage. */
  undatedMs = 0
  next: Position | undefined
  /** When it was last cut back: what is read soon after may be of the log before that. */
  cutMs = Number.NEGATIVE_INFINITY
}

const partitions = 3
/** Timestamps, and times of the wall clock, have whole milliseconds. */
const roundingMs = 2
/** What is due comes with the next 20 ms. */
const slackMs = 25
const longestPauseMs = 4000

/** A delayed log over one in memory, a reader of it, and what the reader should get. */
export class DelayRun {
  readonly #delayMs: number
  readonly #time = new VirtualTime()
  readonly #log = new MemoryLog(partitions)
  readonly #model = Array.from({ length: partitions }, () => new ModelPartition())
  #reading: { stop: AbortController; ended: Promise<void>; log: DelayedLog } | undefined
  #truth = 0
  #isSet = false
  /** Until then the log could not be read, or was read from a new start. */
  #disturbedMs = 0
  /** The same for records that only the log can date. */
  #unseenMs = 0
  #failure: unknown
  #written = 0

  constructor(delayMs: number) {
    this.#delayMs = delayMs
    this.#start()
  }

  /** The wall clock of everybody else. */
  get #trueWallMs(): number {
    return this.#time.wall() - this.#truth
  }

  async step(step: DelayStep): Promise<void> {
    if (step.kind === 'write') this.#write(step)
    else if (step.kind === 'pass') await this.#time.pass(step.ms)
    else if (step.kind === 'mark') this.#log.parts[step.of]!.mark()
    else if (step.kind === 'cut') await this.#cut(step)
    else if (step.kind === 'drop') this.#drop(step)
    else if (step.kind === 'recreate') this.#recreate(step.of)
    else if (step.kind === 'outage') await this.#outage(step.ms)
    else if (step.kind === 'restart') await this.#restart()
    else this.#set(step.byMs)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Everything that was written has come. */
  async finish(): Promise<void> {
    const latestMs = Math.max(...this.#model.map(({ lastMs }) => lastMs), this.#disturbedMs, this.#unseenMs)
    await this.#time.pass(Math.max(0, latestMs - this.#time.steady()) + longestPauseMs + slackMs)
    if (this.#failure !== undefined) throw this.#failure
    for (const [number, { expected, next }] of this.#model.entries()) {
      const left = [...expected.values()].filter(record => this.#isThere(number, record))
      assert.deepEqual(left.slice(0, 3), [], `partition ${number}: ${left.length} records never came`)
      const { first, end, epoch } = this.#log.parts[number]!
      if (end > first) assert.deepEqual([next?.epoch, next?.offset], [epoch, end])
    }
  }

  async stop(): Promise<void> {
    const { stop, ended } = this.#reading!
    stop.abort()
    await ended
  }

  #start(): void {
    const stop = new AbortController()
    const { steady, wall, startTimer } = this.#time
    const eventTimes = async ({ records }: LogBatch) =>
      records.map(({ value }) => Number(String(value).split(' ')[1]))
    const log = new DelayedLog({
      log: this.#log,
      delayMs: this.#delayMs,
      eventTimes,
      clock: { steady, wall },
      startTimer,
    })
    const from = this.#model.flatMap(({ next }) => next ?? [])
    const read = async () => {
      for await (const batches of log.tail(from, stop.signal)) for (const batch of batches) this.#check(batch)
    }
    const ended = read().catch((error: unknown) => {
      this.#failure ??= error
    })
    this.#reading = { stop, ended, log }
  }

  #write({ of, records }: Extract<DelayStep, { kind: 'write' }>): void {
    const part = this.#log.parts[of]!
    const nowMs = this.#time.steady()
    const wallMs = this.#trueWallMs
    for (const { skewMs, eventAheadMs } of records) {
      const timestampMs = Math.floor(wallMs + skewMs)
      const number = this.#written++
      const { next } = this.#model[of]!
      const offset = part.write([{ timestampMs, value: `${number} ${timestampMs + eventAheadMs}` }])
      // The reader has had another record there, after that was cut off.
      if (next?.epoch === part.epoch && offset < next.offset) continue
      const aheadMs = Math.min(Math.max(eventAheadMs, 0), 5000)
      const stampedMs = nowMs + skewMs
      const seenMs = nowMs + this.#seenWithinMs
      const earliestMs = Math.min(stampedMs, nowMs) + aheadMs + this.#delayMs
      const latestMs = Math.max(
        seenMs,
        // A clock that was set back makes every timestamp one in the future.
        (this.#isSet ? seenMs : Math.min(stampedMs, seenMs)) + aheadMs + this.#delayMs,
      )
      this.#model[of]!.lastMs = Math.max(this.#model[of]!.lastMs, latestMs)
      this.#model[of]!.expected.set(number, {
        epoch: part.epoch,
        offset,
        earliestMs,
        isDated: skewMs <= 0,
        latestMs: this.#model[of]!.lastMs,
      })
    }
  }

  /** How soon the log is looked at, whatever else is held. */
  get #seenWithinMs(): number {
    const resolutionMs = Math.min(Math.max(this.#delayMs / 32, 1000), 30_000)
    return resolutionMs + Math.max(resolutionMs, Math.min(this.#delayMs / 4, 5000))
  }

  async #cut({ of, back }: Extract<DelayStep, { kind: 'cut' }>): Promise<void> {
    const part = this.#log.parts[of]!
    this.#model[of]!.cutMs = this.#time.steady()
    const { next } = this.#model[of]!
    const unread = part.between(next?.epoch === part.epoch ? next.offset : 0, part.end)
    part.cutBack(Math.max(part.first, part.end - back))
    const { expected } = this.#model[of]!
    for (const [number, record] of expected) if (!this.#isThere(of, record)) expected.delete(number)
    // When the records before the cut were written is found out anew.
    const { steady } = this.#time
    this.#unseenMs = Math.max(
      this.#unseenMs,
      steady() + this.#seenWithinMs + longestPauseMs + this.#delayMs + 5000,
    )
    // What the reader has had already is not undone: it is to be told before other records come there. And
    // without a record to compare, one log looks like the other.
    if (unread.length === 0 || (next?.epoch === part.epoch && next.offset > part.end))
      await this.#time.pass(this.#seenWithinMs + longestPauseMs)
  }

  #drop({ of, kept }: Extract<DelayStep, { kind: 'drop' }>): void {
    const part = this.#log.parts[of]!
    part.dropBefore(part.end - kept)
  }

  #recreate(of: number): void {
    this.#log.parts[of]!.recreate()
    this.#model[of]!.expected.clear()
    // The topics are looked up every 3 s.
    this.#hide(3000)
  }

  async #outage(ms: number): Promise<void> {
    this.#log.isReachable = false
    await this.#time.pass(ms)
    this.#log.isReachable = true
    this.#hide(longestPauseMs)
  }

  async #restart(): Promise<void> {
    await this.stop()
    // At start the clock is believed.
    this.#time.set(-this.#truth)
    this.#truth = 0
    this.#start()
    // A timestamp in the future is that of the start.
    this.#disturb(this.#delayMs + 5000)
  }

  /** Until the log is seen again, nobody knows when a record with a timestamp in the future was written. */
  #hide(forMs: number): void {
    this.#disturb(forMs)
    this.#unseenMs = this.#disturbedMs + this.#delayMs + 5000
  }

  #disturb(forMs: number): void {
    this.#disturbedMs = Math.max(this.#disturbedMs, this.#time.steady() + forMs + this.#seenWithinMs)
  }

  #set(byMs: number): void {
    this.#time.set(byMs)
    this.#truth += byMs
    this.#isSet = true
    // What is in the log, but was not read yet, was stamped by another clock.
    this.#disturb(this.#delayMs + 5000)
  }

  #check(batch: LogBatch): void {
    const { partition, epoch, from, to, records, stable } = batch
    const model = this.#model[partition.partition]!
    const part = this.#log.parts[partition.partition]!
    const { next } = model
    if (next?.epoch === epoch && part.epoch === epoch && from > next.offset) {
      assert.ok(from <= part.first, `${from} after ${next.offset}: nothing was dropped there`)
    }
    assert.ok(to >= from && stable >= to)
    const nowMs = this.#time.steady()
    for (const { value } of records) this.#checkRecord(model, Number.parseInt(String(value), 10), nowMs)
    if (nowMs <= this.#cutSeenMs(model)) forget(model, batch)
    model.next = { partition, epoch, offset: to }
  }

  /** When the last cut of a partition is seen at the latest. */
  #cutSeenMs({ cutMs }: ModelPartition): number {
    const seenMs = cutMs + this.#seenWithinMs + longestPauseMs
    return cutMs < this.#disturbedMs ? Math.max(seenMs, this.#disturbedMs) : seenMs
  }

  #checkRecord(model: ModelPartition, number: number, nowMs: number): void {
    const record = model.expected.get(number)
    if (record === undefined) return
    model.expected.delete(number)
    const { earliestMs, latestMs, isDated } = record
    if (!isDated || this.#isSet) model.undatedMs = Math.max(model.undatedMs, this.#unseenMs)
    // Steady clock and wall clock may differ by 0.1 % after one of them was set.
    const driftMs = this.#isSet ? nowMs / 1000 : 0
    assert.ok(
      nowMs >= earliestMs - driftMs - roundingMs,
      `record ${number} came ${earliestMs - nowMs} ms early`,
    )
    const boundMs = Math.max(latestMs, model.undatedMs, this.#disturbedMs) + slackMs
    assert.ok(nowMs <= boundMs, `record ${number} came ${nowMs - boundMs} ms late`)
  }

  #isThere(number: number, { epoch, offset }: ModelRecord): boolean {
    const part: MemoryPartition = this.#log.parts[number]!
    return epoch === part.epoch && offset >= part.first && offset < part.end
  }
}

/** What lies now where the log before the cut was read does not come. */
function forget({ expected }: ModelPartition, { epoch, from, to }: LogBatch): void {
  for (const [number, { epoch: own, offset }] of expected)
    if (own === epoch && offset >= from && offset < to) expected.delete(number)
}
