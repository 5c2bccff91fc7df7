import { messageOf } from '../../../diagnostics/ticker-error.ts'
import type { LogRecord, RecordHeader } from '../../event-log.ts'
import { codecs } from '../compression/codecs.ts'
import { MalformedError, UnsupportedError } from '../kafka-error.ts'
import { ByteReader } from './byte-reader.ts'
import type { RecordBatch } from './record-batch.ts'

const noHeaders: readonly RecordHeader[] = []
/** Drops further headers: a compressed batch of 31 kB had 16 million, which took 2.6 GB and 16 s. */
const maxHeaders = 256

/**
 * The records of one batch, read one at a time. Keys, values and header values are views of the batch, or of
 * its decompressed bytes.
 */
export class BatchRecords {
  readonly #batch: RecordBatch
  readonly #reader: ByteReader
  #unread: number
  #lastDelta = -1

  /** Decompresses up to `maxBytes`. Throws a `MalformedError`, or an `UnsupportedError` for its codec. */
  constructor(batch: RecordBatch, maxBytes: number) {
    this.#batch = batch
    this.#reader = new ByteReader(decompressed(batch, maxBytes))
    this.#unread = batch.count
  }

  /** The offset after the batch's last one. */
  get end(): number {
    return this.#batch.nextOffset
  }

  get isDone(): boolean {
    return this.#unread === 0
  }

  /** The next record. Throws a `MalformedError`. */
  next(): LogRecord {
    const reader = this.#reader
    const length = reader.varint()
    const end = reader.at + length
    if (length < 0 || length > reader.remaining) {
      throw new MalformedError(`a record of ${length} bytes with ${reader.remaining} left`)
    }
    reader.skip(1) // The attributes of a record, which have no meaning yet.
    const timestampDelta = reader.varlong()
    const offset = this.#batch.baseOffset + this.#advance(reader.varint())
    const key = nullableBytes(reader)
    const value = nullableBytes(reader)
    const headers = readHeaders(reader, end)
    if (reader.at !== end) throw new MalformedError(`a record of ${length} bytes ends elsewhere`)
    this.#unread -= 1
    if (this.#unread === 0 && reader.remaining > 0) {
      throw new MalformedError(`${reader.remaining} bytes after the last record`)
    }
    const timestampMs = this.#batch.appendTimestamp ?? this.#batch.baseTimestamp + timestampDelta
    return { offset, timestampMs, key, value, headers }
  }

  #advance(delta: number): number {
    if (delta <= this.#lastDelta || this.#batch.baseOffset + delta >= this.#batch.nextOffset) {
      throw new MalformedError(`a record of offset delta ${delta} after ${this.#lastDelta}`)
    }
    this.#lastDelta = delta
    return delta
  }
}

function decompressed({ codec: code, records }: RecordBatch, maxBytes: number): Buffer {
  if (code === 0) return records
  const codec = codecs.get(code)
  if (codec === undefined) {
    const known = [...codecs.values()].map(({ name }) => name)
    throw new UnsupportedError(`compression ${code}: expected none, ${known.join(', ')}`)
  }
  try {
    return codec.unpack(records, maxBytes)
  } catch (cause) {
    const what = `${codec.name} of ${records.length} bytes, at most ${maxBytes} unpacked`
    throw new MalformedError(`${what}: ${messageOf(cause)}`, { cause })
  }
}

function nullableBytes(reader: ByteReader): Buffer | null {
  const length = reader.varint()
  return length === -1 ? null : reader.bytes(length)
}

/** Reads the headers, which end the record. */
function readHeaders(reader: ByteReader, end: number): readonly RecordHeader[] {
  const count = reader.varint()
  if (count === 0) return noHeaders
  // A header takes at least two bytes: the lengths of its name and of its value.
  if (count < 0 || count > reader.remaining / 2) throw new MalformedError(`${count} record headers`)
  const headers: RecordHeader[] = []
  for (let index = 0; index < Math.min(count, maxHeaders); index += 1) {
    const name = reader.bytes(reader.varint()).toString('utf8')
    headers.push({ name, value: nullableBytes(reader) })
  }
  if (count > maxHeaders) reader.skip(Math.max(0, end - reader.at))
  return headers
}
