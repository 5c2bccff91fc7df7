import { MalformedError, UnsupportedError } from '../kafka-error.ts'
import { crc32c } from './crc32c.ts'

/** The bytes `[start, end)` of a batch in its record set, before its content is checked. */
export interface Frame {
  readonly start: number
  readonly end: number
}

/** The header of a record batch (https://kafka.apache.org/documentation/#recordbatch), checked. */
export interface RecordBatch {
  readonly baseOffset: number
  /** The offset after the batch's last one. Compaction may have removed that last record. */
  readonly nextOffset: number
  /** The epoch of the leader that appended the batch; it counts the elections. */
  readonly leaderEpoch: number
  /** The key into `codecs`; 0 means uncompressed. */
  readonly codec: number
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly producerId: bigint
  readonly baseTimestamp: number
  /** The time of every record, if the broker stamps them; otherwise `undefined`. */
  readonly appendTimestamp: number | undefined
  readonly count: number
  /** A view of the records, still compressed. */
  readonly records: Buffer
}

/** The bytes that the length does not count: base offset and length. */
const prefixBytes = 12
const magicAt = 16
const crcAt = 17
const crcCoversFrom = 21
const headerBytes = 61
const codecMask = 0b111
const appendTimeFlag = 0b1000
const transactionalFlag = 0b1_0000
const controlFlag = 0b10_0000

/** The batch that begins at `start`; `undefined` if it is cut off, as the last batch of a response may be. */
export function frameAt(bytes: Buffer, start: number): Frame | undefined {
  if (bytes.length - start < prefixBytes) return undefined
  const end = start + prefixBytes + bytes.readInt32BE(start + 8)
  return end > start + magicAt && end <= bytes.length ? { start, end } : undefined
}

/**
 * Reads and checks the header of a batch of magic 2, CRC included. Throws a `MalformedError` if it is none,
 * and an `UnsupportedError` for magic 0 and 1. Those are the message sets that brokers before 0.11 wrote;
 * Kafka 4 neither accepts nor returns them.
 */
export function readRecordBatch(bytes: Buffer, { start, end }: Frame): RecordBatch {
  const magic = bytes.readInt8(start + magicAt)
  if (magic === 0 || magic === 1) throw new UnsupportedError(`message format ${magic}: expected 2`)
  if (magic !== 2) throw new MalformedError(`message format ${magic}: expected 2`)
  const batch = bytes.subarray(start, end)
  if (batch.length < headerBytes) throw new MalformedError(`a batch of ${batch.length} bytes`)
  if (crc32c(batch, crcCoversFrom) !== batch.readUInt32BE(crcAt)) throw new MalformedError('a wrong checksum')
  return checked(readHeader(batch))
}

/** The ends that the header of a corrupt batch claims, the most likely first. */
export function claimedEnds(bytes: Buffer, { start, end }: Frame): readonly number[] {
  if (end - start < prefixBytes) return []
  const baseOffset = Number(bytes.readBigInt64BE(start))
  if (end - start < headerBytes || bytes.readInt8(start + magicAt) < 2) return [baseOffset + 1]
  return [baseOffset + bytes.readInt32BE(start + 23) + 1, baseOffset + bytes.readInt32BE(start + 57)]
}

function readHeader(batch: Buffer): RecordBatch {
  const attributes = batch.readInt16BE(21)
  const baseOffset = Number(batch.readBigInt64BE(0))
  return {
    baseOffset,
    nextOffset: baseOffset + batch.readInt32BE(23) + 1,
    leaderEpoch: batch.readInt32BE(12),
    codec: attributes & codecMask,
    isTransactional: (attributes & transactionalFlag) !== 0,
    isControl: (attributes & controlFlag) !== 0,
    baseTimestamp: Number(batch.readBigInt64BE(27)),
    appendTimestamp: attributes & appendTimeFlag ? Number(batch.readBigInt64BE(35)) : undefined,
    producerId: batch.readBigInt64BE(43),
    count: batch.readInt32BE(57),
    records: batch.subarray(headerBytes),
  }
}

function checked(batch: RecordBatch): RecordBatch {
  const { baseOffset, nextOffset, count } = batch
  if (baseOffset < 0 || nextOffset <= baseOffset || !Number.isSafeInteger(nextOffset)) {
    throw new MalformedError(`a batch of the offsets ${baseOffset} to ${nextOffset}`)
  }
  if (count < 0 || count > nextOffset - baseOffset) {
    throw new MalformedError(`${count} records for ${nextOffset - baseOffset} offsets`)
  }
  return batch
}
