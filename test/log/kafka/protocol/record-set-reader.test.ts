import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { RecordSetReader } from '../../../../src/log/kafka/protocol/record-set-reader.ts'
import {
  encodeBatch,
  endMarker,
  type SampleBatch,
  sampleRecord,
  sampleRecords,
  seal,
} from '../batch-encoder.ts'
import { type Reading, readSet } from '../record-set.ts'

const offsetsOf = ({ records }: Reading) => records.map(({ offset }) => offset)
const encode = (...batches: readonly SampleBatch[]) => Buffer.concat(batches.map(encodeBatch))

test('reads keys, values, headers and times as they were written', () => {
  const headers = [
    { name: 'content-type', value: Buffer.from('a') },
    { name: 'content-type', value: null },
  ]
  const key = Buffer.from('AAPL')
  const records = [
    { ...sampleRecord(0, ''), key, headers },
    { ...sampleRecord(3), value: null },
  ]
  const bytes = encode({ baseOffset: 2 ** 40, records, baseTimestamp: 1_700_000_000_000 })
  expect(readSet({ bytes }).records).toEqual([
    { offset: 2 ** 40, timestampMs: 1_700_000_000_000, key, value: Buffer.alloc(0), headers },
    { offset: 2 ** 40 + 3, timestampMs: 1_700_000_000_003, key: null, value: null, headers: [] },
  ])
})

// Cause: every header of a record became an object, however many there were.
// Symptom: one compressed record of 31 kB with 16 million empty headers took 2.6 GB, and stopped the process
// for 16 s.
// Seen: a review asked what the smallest header is, and wrote such a record.
test('gives the first 256 headers of a record, and reads on behind it', () => {
  const headers = Array.from({ length: 300 }, (_, index) => ({ name: `${index}`, value: null }))
  const bytes = encode({ baseOffset: 0, records: [{ ...sampleRecord(0), headers }, sampleRecord(1)] })
  const { records } = readSet({ bytes })
  expect(records.map(record => record.headers)).toEqual([headers.slice(0, 256), []])
})

test('takes the time of the broker where the topic is configured so', () => {
  const bytes = encode({ baseOffset: 0, records: sampleRecords(2), baseTimestamp: 5, appendTimestamp: 900 })
  expect(readSet({ bytes }).records.map(({ timestampMs }) => timestampMs)).toEqual([900, 900])
})

test('begins in the middle of a batch, at the position', () => {
  const bytes = encode(
    { baseOffset: 10, records: sampleRecords(5) },
    { baseOffset: 15, records: sampleRecords(2) },
  )
  expect(offsetsOf(readSet({ bytes, position: 13 }))).toEqual([13, 14, 15, 16])
})

// Cause: offsets without a record counted as read, whatever had been there.
// Symptom: a client that resumed on a compacted topic got 3 of 992 records, and was told that it had missed
// nothing.
// Seen: a review resumed on one from outside.
test('reports compacted offsets: within a batch, between batches, and a whole batch', () => {
  const bytes = encode(
    { baseOffset: 0, records: [sampleRecord(2), sampleRecord(3), sampleRecord(6)], lastOffsetDelta: 9 },
    { baseOffset: 20, records: [], lastOffsetDelta: 4 },
    { baseOffset: 30, records: sampleRecords(2) },
  )
  const reading = readSet({ bytes })
  expect(offsetsOf(reading)).toEqual([2, 3, 6, 30, 31])
  expect(reading.gaps).toEqual([
    [0, 2],
    [4, 6],
    [7, 30],
  ])
  const afresh = readSet({ bytes, position: 5 }, 1)
  expect([offsetsOf(afresh), afresh.gaps]).toEqual([
    [6, 30, 31],
    [
      [5, 6],
      [7, 30],
    ],
  ])
})

test('takes control records and aborted transactions for no gap', () => {
  const transactional = { producerId: 7, isTransactional: true, records: sampleRecords(2) }
  const bytes = encode(
    { baseOffset: 0, ...transactional },
    endMarker(2, 7, 'abort'),
    { baseOffset: 3, ...transactional },
    endMarker(5, 7, 'commit'),
  )
  const reading = readSet({ bytes, aborted: [{ producerId: 7n, firstOffset: 0 }] })
  expect([offsetsOf(reading), reading.gaps, reading.position]).toEqual([[3, 4], [], 6])
})

test('reports a gap before the unreadable batch behind it', () => {
  const damaged = encodeBatch({ baseOffset: 10, records: sampleRecords(2) })
  damaged[70]! ^= 0xff
  const bytes = Buffer.concat([encode({ baseOffset: 4, records: sampleRecords(1) }), damaged])
  const reading = readSet({ bytes, end: 12 })
  expect([offsetsOf(reading), reading.gaps, reading.faults.map(({ from, to }) => [from, to])]).toEqual([
    [4],
    [[0, 4]],
    [[5, 12]],
  ])
})

test('passes over control records', () => {
  const bytes = encode(
    { baseOffset: 0, records: sampleRecords(2), producerId: 7, isTransactional: true },
    endMarker(2, 7, 'commit'),
  )
  const reading = readSet({ bytes })
  expect([offsetsOf(reading), reading.position]).toEqual([[0, 1], 3])
})

test('hides an aborted transaction, and shows what its producer wrote before and after', () => {
  const transactional = { producerId: 7, isTransactional: true, records: sampleRecords(2) }
  const bytes = encode(
    { baseOffset: 0, ...transactional },
    endMarker(2, 7, 'commit'),
    { baseOffset: 3, ...transactional },
    { baseOffset: 5, ...transactional, producerId: 8 },
    { baseOffset: 7, records: sampleRecords(1) },
    endMarker(8, 7, 'abort'),
    { baseOffset: 9, ...transactional },
    endMarker(11, 8, 'commit'),
    endMarker(12, 7, 'commit'),
  )
  const reading = readSet({ bytes, aborted: [{ producerId: 7n, firstOffset: 3 }] })
  expect([offsetsOf(reading), reading.position]).toEqual([[0, 1, 5, 6, 7, 9, 10], 13])
})

test('hides the rest of an aborted transaction when it begins in its middle', () => {
  const transactional = { producerId: 7, isTransactional: true, records: sampleRecords(3) }
  const bytes = encode({ baseOffset: 3, ...transactional }, endMarker(6, 7, 'abort'))
  const reading = readSet({ bytes, position: 4, aborted: [{ producerId: 7n, firstOffset: 0 }] })
  expect([offsetsOf(reading), reading.position]).toEqual([[], 7])
})

test('ends before an incomplete last batch', () => {
  const bytes = encode(
    { baseOffset: 0, records: sampleRecords(3) },
    { baseOffset: 3, records: sampleRecords(3) },
  )
  for (const missing of [1, 30, 80]) {
    const reading = readSet({ bytes: bytes.subarray(0, bytes.length - missing) })
    expect([offsetsOf(reading), reading.faults, reading.position]).toEqual([[0, 1, 2], [], 3])
  }
})

test('reads a batch of 200,000 records in slices', () => {
  const bytes = encode({ baseOffset: 0, records: sampleRecords(200_000) })
  const reader = new RecordSetReader({ bytes, position: 0, end: 200_000, aborted: [] })
  for (let slice = 1; slice <= 200; slice += 1) {
    expect(reader.next(1000)).toHaveLength(1000)
    expect(reader.position).toBe(slice * 1000)
  }
  expect(reader.next(1000)).toEqual([])
})

test('passes over a corrupt batch, says which offsets it cost, and goes on with the next', () => {
  const batches = [0, 10, 20].map(baseOffset => encodeBatch({ baseOffset, records: sampleRecords(5) }))
  batches[1]!.writeUInt8(batches[1]![70]! ^ 1, 70)
  const reading = readSet({ bytes: Buffer.concat(batches) })
  expect(offsetsOf(reading)).toEqual([0, 1, 2, 3, 4, 20, 21, 22, 23, 24])
  expect(reading.faults).toMatchObject([{ code: 'TICKER_KAFKA_BATCH', fault: 'corrupt', from: 5, to: 20 }])
})

test('believes a corrupt last batch about its end only as far as the log goes', () => {
  const bytes = encodeBatch({ baseOffset: 0, records: sampleRecords(5) })
  bytes.writeUInt8(bytes[70]! ^ 1, 70)
  expect(readSet({ bytes, end: 5 })).toMatchObject({ faults: [{ from: 0, to: 5 }], position: 5 })
  bytes.writeInt32BE(2 ** 31 - 2, 23)
  expect(readSet({ bytes, end: 100 }).position).toBe(5)
  bytes.writeInt32BE(2 ** 31 - 2, 57)
  expect(readSet({ bytes, end: 100 }).position).toBe(1)
})

test('passes over a batch whose records contradict its header', () => {
  const sound = { baseOffset: 10, records: sampleRecords(2) }
  for (const count of [3, 1, -1, 2 ** 31 - 1]) {
    const reading = readSet({ bytes: encode({ baseOffset: 0, records: sampleRecords(2), count }, sound) })
    expect(offsetsOf(reading).slice(-2)).toEqual([10, 11])
    expect(reading.faults).toMatchObject([{ fault: 'corrupt' }])
  }
})

test('distinguishes an unsupported compression from corruption', () => {
  for (const codec of [5, 6, 7]) {
    const bytes = encode(
      { baseOffset: 0, codec, records: sampleRecords(4) },
      { baseOffset: 4, records: sampleRecords(1) },
    )
    const reading = readSet({ bytes })
    expect(offsetsOf(reading)).toEqual([4])
    expect(reading.faults).toMatchObject([{ fault: 'unsupported', from: 0, to: 4 }])
    expect(reading.faults[0]?.message).toContain(
      `compression ${codec}: expected none, gzip, snappy, lz4, zstd`,
    )
  }
})

test('passes over message sets of the formats 0 and 1', () => {
  for (const magic of [0, 1]) {
    const old = Buffer.alloc(40)
    old.writeBigInt64BE(6n, 0)
    old.writeInt32BE(28, 8)
    old.writeInt8(magic, 16)
    const reading = readSet({
      bytes: Buffer.concat([old, encode({ baseOffset: 7, records: sampleRecords(2) })]),
      position: 6,
    })
    expect(offsetsOf(reading)).toEqual([7, 8])
    expect(reading.faults).toMatchObject([{ fault: 'unsupported', from: 6, to: 7 }])
  }
})

test('does not unpack more than its bound', () => {
  const packed = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  const bytes = Buffer.concat([encodeBatch({ baseOffset: 0, records: [], codec: 1 }).subarray(0, 61), packed])
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt32BE(1, 57)
  const reading = readSet({ bytes: seal(bytes) })
  expect(reading.faults).toMatchObject([{ fault: 'corrupt', from: 0, to: 1 }])
  expect(reading.faults[0]?.message).toContain(`gzip of ${packed.length} bytes, at most 1048576 unpacked`)
})
