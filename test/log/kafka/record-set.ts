import assert from 'node:assert/strict'
import { RecordBatchError } from '../../../src/log/kafka/kafka-error.ts'
import { type RecordSet, RecordSetReader } from '../../../src/log/kafka/protocol/record-set-reader.ts'
import type { LogRecord } from '../../../src/log/event-log.ts'

/** What a reader made of a whole record set. */
export interface Reading {
  readonly records: readonly LogRecord[]
  readonly faults: readonly RecordBatchError[]
  /** Offsets that are reported as gone, as `[from, to)`. */
  readonly gaps: readonly (readonly [from: number, to: number])[]
  readonly position: number
}

/**
 * Reads a set to its end in slices, checking what holds whatever the bytes are: order, progress, one error
 * type.
 */
export function readSet(set: Partial<RecordSet> & Pick<RecordSet, 'bytes'>, maxRecords = 1000): Reading {
  const whole: RecordSet = { position: 0, end: Number.MAX_SAFE_INTEGER, aborted: [], ...set }
  const reader = new RecordSetReader(whole, 1024 * 1024)
  const records: LogRecord[] = []
  const faults: RecordBatchError[] = []
  const gaps: [from: number, to: number][] = []
  // Every step but the last passes a batch or some records of at least seven bytes.
  for (let steps = whole.bytes.length + 3; steps > 0; steps -= 1) {
    const before = reader.position
    const outcome = step(reader, maxRecords)
    if (outcome instanceof RecordBatchError) {
      assert.deepEqual([outcome.from, outcome.to], [reader.from, reader.position])
      faults.push(outcome)
      continue
    }
    if (outcome.length === 0 && reader.position === before) return { records, faults, gaps, position: before }
    if (reader.from > before) gaps.push([before, reader.from])
    checkSlice(outcome, { before: reader.from, after: reader.position, maxRecords })
    records.push(...outcome)
  }
  throw new assert.AssertionError({ message: 'the reader does not come to an end' })
}

function step(reader: RecordSetReader, maxRecords: number): readonly LogRecord[] | RecordBatchError {
  try {
    return reader.next(maxRecords)
  } catch (error) {
    if (error instanceof RecordBatchError) return error
    throw error
  }
}

function checkSlice(
  records: readonly LogRecord[],
  { before, after, maxRecords }: { before: number; after: number; maxRecords: number },
): void {
  assert.ok(records.length <= maxRecords, `${records.length} records in a slice of ${maxRecords}`)
  let previous = before - 1
  for (const { offset } of records) {
    assert.ok(
      offset > previous && offset < after,
      `offset ${offset} after ${previous}, in [${before}, ${after})`,
    )
    previous = offset
  }
}
