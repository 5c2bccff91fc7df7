import { isUtf8 } from 'node:buffer'
import { messageOf } from '../diagnostics/ticker-error.ts'
import { decodeMessagePack } from './message-pack.ts'
import type { LogRecord } from './log-record.ts'

/** The source of a record, for a decoder; the same for all records of a partition. */
export interface RecordSource {
  readonly topic: string
  readonly partition: number
  /** The built-in decoder, for records in its formats. */
  readonly decodeBuiltIn: (record: LogRecord) => unknown
}

/**
 * Turns the value of a record into a value that `parseEvent` then checks. Returns `undefined` for a record
 * that is not for this gateway: it is skipped without a log line. Throws if the record cannot be decoded: it
 * is counted, logged and skipped.
 */
export type Decode = (record: LogRecord, source: RecordSource) => unknown

/** The exports of a decoder module, which `TICKER_DECODER` names. */
export interface Decoder {
  readonly decode: Decode
  /**
   * Runs before each batch is decoded, for example to fetch a schema, so that `decode` can be synchronous.
   */
  readonly prepare?: (records: readonly LogRecord[], source: RecordSource) => Promise<void>
}

/**
 * The built-in decoder cannot read a record. The message shows nothing of the record, so that it may be
 * logged.
 */
export class RecordSyntaxError extends SyntaxError {}

/**
 * Decodes JSON in UTF-8 or, where the header `content-type` says `application/msgpack`, MessagePack. Throws a
 * `RecordSyntaxError`.
 */
export function decodeBuiltIn(record: LogRecord): unknown {
  const { value } = record
  if (value === null) return undefined
  return isMessagePack(record) ? readMessagePack(value) : readJson(value)
}

/** The decoder where no module is named. */
export const defaultDecoder = { decode: decodeBuiltIn } satisfies Decoder

function readJson(value: Buffer): unknown {
  if (!isUtf8(value)) throw new RecordSyntaxError('expected JSON; the value is not UTF-8')
  try {
    return JSON.parse(value.toString('utf8'))
  } catch (error) {
    // The messages of JSON.parse quote the record.
    throw new RecordSyntaxError('expected JSON in UTF-8, or MessagePack with its content-type', {
      cause: error,
    })
  }
}

function readMessagePack(value: Buffer): unknown {
  try {
    return decodeMessagePack(value)
  } catch (error) {
    throw new RecordSyntaxError(`expected MessagePack, as the content-type says: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** Whether the header `content-type` of a record names MessagePack. */
export function isMessagePack(record: LogRecord): boolean {
  for (const { name, value } of record.headers) {
    if (name.toLowerCase() !== 'content-type' || value === null) continue
    const type = value.toString('latin1').split(';', 1)[0]?.trim().toLowerCase()
    return type === 'application/msgpack' || type === 'application/x-msgpack'
  }
  return false
}
