import { crc32c } from '../../src/log/kafka/protocol/crc32c.ts'

export interface OutgoingRecord {
  readonly key: string
  readonly value: string
}

const headerBytes = 61
const lengthAt = 8
const magicAt = 16
const crcAt = 17
const checkedAt = 21
/** Lengths of a record and of what is in it, attributes, deltas, headers. */
const mostOverheadBytes = 32

/**
 * Writes an uncompressed record batch (https://kafka.apache.org/documentation/#recordbatch) of ASCII in some
 * 1 µs a record: kafkajs takes more than ten times that, and would be what a benchmark of a reader measures.
 */
export function writeRecordBatch(records: readonly OutgoingRecord[], timestampMs: number): Buffer {
  const room = records.reduce((sum, { key, value }) => sum + key.length + value.length + mostOverheadBytes, 0)
  const batch = Buffer.alloc(headerBytes + room)
  let end = headerBytes
  for (const [index, record] of records.entries()) end = writeRecord(batch, end, { ...record, index })
  return sealed(batch.subarray(0, end), records.length, timestampMs)
}

function sealed(batch: Buffer, count: number, timestampMs: number): Buffer {
  const time = BigInt(timestampMs)
  const none = -1n
  batch.writeInt32BE(batch.length - lengthAt - 4, lengthAt)
  batch.writeInt32BE(-1, 12) // No leader epoch.
  batch.writeInt8(2, magicAt)
  batch.writeInt32BE(count - 1, 23)
  batch.writeBigInt64BE(time, 27)
  batch.writeBigInt64BE(time, 35)
  batch.writeBigInt64BE(none, 43) // No producer id, epoch or sequence.
  batch.writeInt16BE(-1, 51)
  batch.writeInt32BE(-1, 53)
  batch.writeInt32BE(count, 57)
  batch.writeUInt32BE(crc32c(batch, checkedAt), crcAt)
  return batch
}

function writeRecord(
  batch: Buffer,
  start: number,
  { key, value, index }: OutgoingRecord & { readonly index: number },
): number {
  const bodyBytes =
    2 +
    varintBytes(index) +
    varintBytes(key.length) +
    key.length +
    varintBytes(value.length) +
    value.length +
    1
  let at = writeVarint(batch, start, bodyBytes)
  at += 2 // Attributes and timestamp delta: 0.
  at = writeVarint(batch, at, index)
  at = writeVarint(batch, at, key.length)
  at += batch.write(key, at, 'latin1')
  at = writeVarint(batch, at, value.length)
  at += batch.write(value, at, 'latin1')
  return at + 1 // No headers.
}

/** Zigzag of what is not negative. */
function writeVarint(batch: Buffer, start: number, value: number): number {
  let at = start
  let rest = value * 2
  for (; rest > 0x7f; rest >>>= 7) batch[at++] = (rest & 0x7f) | 0x80
  batch[at++] = rest
  return at
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = (value * 2) >>> 7; rest > 0; rest >>>= 7) bytes++
  return bytes
}
