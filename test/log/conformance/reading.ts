import assert from 'node:assert/strict'
import type { MarketEvent } from '../../../src/event/event.ts'
import type {
  AppendResult,
  EventLog,
  LogBatch,
  LogRecord,
  Partition,
  Position,
} from '../../../src/log/event-log.ts'

/** How long a reading may take before it ends with what it has, and fails. */
const boundMs = 10_000

/** One event as a reader saw it. */
export interface ReadEvent {
  readonly partition: Partition
  readonly offset: number
  readonly key: string | undefined
  readonly event: unknown
}

/** A signal for one reading, which aborts when that takes too long. */
export function bound(): AbortSignal {
  return AbortSignal.timeout(boundMs)
}

/** The positions at which every partition ends now. */
export async function endOf(log: EventLog): Promise<Position[]> {
  const beginnings = await log.partitions(bound())
  return Promise.all(
    beginnings.map(async position => ({
      ...position,
      offset: (await log.ends(position.partition)).stable,
    })),
  )
}

/** Appends, and gives the positions; fails on the first event that was not taken. */
export async function appendAll(log: EventLog, events: readonly MarketEvent[]): Promise<Position[]> {
  const results = await log.append(events)
  assert.equal(results.length, events.length, 'one result per event')
  return results.map(positionOf)
}

function positionOf(result: AppendResult): Position {
  if ('error' in result) throw result.error
  return result.position
}

/** The events of batches, in the order in which they came. */
export function eventsOf(batches: readonly LogBatch[]): ReadEvent[] {
  return batches.flatMap(batch => batch.records.map(record => eventOf(batch, record)))
}

function eventOf(batch: LogBatch, record: LogRecord): ReadEvent {
  const event: unknown = JSON.parse(record.value?.toString() ?? 'null')
  return { partition: batch.partition, offset: record.offset, key: record.key?.toString(), event }
}

/** Follows the log from `from` until `count` events came, checking every batch against the contract. */
export async function readEvents(
  log: EventLog,
  from: readonly Position[],
  count: number,
): Promise<ReadEvent[]> {
  let missing = count
  const isEnough = (batches: readonly LogBatch[]): boolean => {
    missing -= batches.reduce((sum, batch) => sum + batch.records.length, 0)
    return missing <= 0
  }
  return eventsOf((await readArrays(log, from, isEnough)).flat())
}

/** Follows the log from `from` until an array is enough, checking every batch against the contract. */
export async function readArrays(
  log: EventLog,
  from: readonly Position[],
  isEnough: (batches: readonly LogBatch[]) => boolean,
): Promise<(readonly LogBatch[])[]> {
  const arrays: (readonly LogBatch[])[] = []
  const contract = new ReadingContract(from)
  for await (const batches of log.tail(from, bound())) {
    contract.check(batches)
    arrays.push(batches)
    if (isEnough(batches)) return arrays
  }
  throw new Error(`the tail ended, or ${boundMs} ms went by, after ${eventsOf(arrays.flat()).length} events`)
}

/** Reads a range to its end, checking every batch against the contract. */
export async function readRange(
  log: EventLog,
  partition: Partition,
  interval: readonly [from: number, to: number],
): Promise<LogBatch[]> {
  const batches: LogBatch[] = []
  const contract = new ReadingContract([])
  for await (const batch of log.range(partition, ...interval, bound())) {
    contract.check([batch])
    batches.push(batch)
  }
  return batches
}

/** What every array of every reader keeps to, whatever was read. */
export class ReadingContract {
  readonly #next = new Map<Partition, LogBatch['to']>()
  readonly #stable = new Map<Partition, LogBatch['stable']>()
  readonly #epochs = new Map<Partition, LogBatch['epoch']>()

  constructor(from: readonly Position[]) {
    for (const { partition, offset } of from) this.#next.set(partition, offset)
  }

  check(batches: readonly LogBatch[]): void {
    const count = batches.reduce((sum, batch) => sum + batch.records.length, 0)
    assert.ok(count <= 1000, `${count} records in one array`)
    for (const batch of batches) this.#checkBatch(batch)
  }

  #checkBatch(batch: LogBatch): void {
    const { partition, epoch, from, to, stable } = batch
    assert.equal(from, this.#next.get(partition) ?? from, 'a batch begins where the last one ended')
    assert.ok(to >= from, `a batch ends before its beginning: [${from}, ${to})`)
    assert.ok(stable >= to, `a batch ends at ${to}, past the stable end ${stable}`)
    assert.ok(stable >= (this.#stable.get(partition) ?? 0), `the stable end moved back to ${stable}`)
    assert.equal(epoch, this.#epochs.get(partition) ?? epoch, 'the epoch stays')
    this.#next.set(partition, to)
    this.#stable.set(partition, stable)
    this.#epochs.set(partition, epoch)
    checkRecords(batch)
  }
}

function checkRecords({ from, to, records }: LogBatch): void {
  let previous = from - 1
  for (const { offset } of records) {
    assert.ok(
      offset > previous && offset < to,
      `offset ${offset} after ${previous} in a batch of [${from}, ${to})`,
    )
    previous = offset
  }
}
