import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'

/** A record to encode; its offset and time are relative to the batch. */
export interface SampleRecord {
  readonly offsetDelta: number
  readonly timestampDelta: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly name: string; readonly value: Buffer | null }[]
}

/** A batch to encode; what is left out is plain: uncompressed, no producer, no transaction, no control. */
export interface SampleBatch {
  readonly baseOffset: number
  readonly records: readonly SampleRecord[]
  readonly lastOffsetDelta?: number
  readonly codec?: number
  readonly producerId?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly baseTimestamp?: number
  /** The broker's time for every record. */
  readonly appendTimestamp?: number
  readonly count?: number
}

/** A record with a value. */
export function sampleRecord(offsetDelta: number, value = `value ${offsetDelta}`): SampleRecord {
  return { offsetDelta, timestampDelta: offsetDelta, key: null, value: Buffer.from(value), headers: [] }
}

/** `count` records that follow each other. */
export function sampleRecords(count: number): SampleRecord[] {
  return Array.from({ length: count }, (_, index) => sampleRecord(index))
}

/** The control batch that ends a transaction. */
export function endMarker(baseOffset: number, producerId: number, type: 'abort' | 'commit'): SampleBatch {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1])
  const records = [{ ...sampleRecord(0), key, value: Buffer.alloc(6) }]
  return { baseOffset, records, producerId, isTransactional: true, isControl: true }
}

/** Written from Kafka's documentation alone, so that the reader is not tested against itself. */
export function encodeBatch(batch: SampleBatch): Buffer {
  const plain = Buffer.concat(batch.records.map(encodeRecord))
  const records = compress(plain, batch.codec ?? 0)
  const bytes = Buffer.alloc(61 + records.length)
  records.copy(bytes, 61)
  const lastOffsetDelta = batch.lastOffsetDelta ?? batch.records.at(-1)?.offsetDelta ?? 0
  const flags =
    (batch.appendTimestamp === undefined ? 0 : 8) +
    (batch.isTransactional === true ? 16 : 0) +
    (batch.isControl === true ? 32 : 0)
  bytes.writeBigInt64BE(BigInt(batch.baseOffset), 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt8(2, 16)
  bytes.writeInt16BE((batch.codec ?? 0) + flags, 21)
  bytes.writeInt32BE(lastOffsetDelta, 23)
  bytes.writeBigInt64BE(BigInt(batch.baseTimestamp ?? 0), 27)
  bytes.writeBigInt64BE(BigInt(batch.appendTimestamp ?? 0), 35)
  bytes.writeBigInt64BE(BigInt(batch.producerId ?? -1), 43)
  bytes.writeInt32BE(batch.count ?? batch.records.length, 57)
  return seal(bytes)
}

/** Puts the right checksum into a batch. */
export function seal(batch: Buffer): Buffer {
  batch.writeUInt32BE(checksum(batch.subarray(21)), 17)
  return batch
}

function encodeRecord({ offsetDelta, timestampDelta, key, value, headers }: SampleRecord): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(BigInt(timestampDelta)),
    varint(BigInt(offsetDelta)),
    nullable(key),
    nullable(value),
    varint(BigInt(headers.length)),
    ...headers.flatMap(({ name, value: of }) => [nullable(Buffer.from(name)), nullable(of)]),
  ])
  return Buffer.concat([varint(BigInt(body.length)), body])
}

function nullable(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1n) : Buffer.concat([varint(BigInt(bytes.length)), bytes])
}

/** Zigzag, seven bits a byte, the lowest first. */
export function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  do {
    bytes.push(Number(rest & 0x7fn) + (rest > 0x7fn ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(bytes)
}

function compress(bytes: Buffer, codec: number): Buffer {
  const pack = packers[codec - 1]
  return pack === undefined ? bytes : pack(bytes)
}

const packers: readonly ((bytes: Buffer) => Buffer)[] = [
  bytes => gzipSync(bytes),
  bytes => compressSync(bytes),
  bytes => compressFrameSync(bytes),
  bytes => zstdCompressSync(bytes),
]

const remainders = Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0)
  return remainder
})

/** CRC-32C, byte by byte. */
function checksum(bytes: Buffer): number {
  let crc = -1
  for (const byte of bytes) crc = remainders[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
