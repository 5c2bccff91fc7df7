import { isUtf8 } from 'node:buffer'
import { decodeMessagePack } from './message-pack.ts'
import type { LogRecord } from './record.ts'

/**
 * Turns the value of a record into what `parseEvent` then checks. `undefined` passes the record over without
 * a word (it is not for this gateway); a throw makes it poison: counted, logged, passed over.
 */
export type Decode = (record: LogRecord) => unknown

/** What a decoder module exports (`TICKER_DECODER` names the module). */
export interface Decoder {
  readonly decode: Decode
  /** Runs before each batch is decoded, so that `decode` can be synchronous: to fetch a schema, say. */
  readonly prepare?: (records: readonly LogRecord[]) => Promise<void>
}

/** JSON in UTF-8 or, where the header `content-type` says `application/msgpack`, MessagePack. */
export const defaultDecoder: Decoder = {
  decode(record) {
    const { value } = record
    if (value === null) return undefined
    return isMessagePack(record) ? decodeMessagePack(value) : decodeJson(value)
  },
}

function decodeJson(value: Buffer): unknown {
  if (!isUtf8(value)) throw new SyntaxError('the value is not UTF-8')
  return JSON.parse(value.toString('utf8'))
}

/** Whether the header `content-type` says so. */
export function isMessagePack(record: LogRecord): boolean {
  for (const { name, value } of record.headers) {
    if (name.toLowerCase() !== 'content-type' || value === null) continue
    const type = value.toString('latin1').split(';', 1)[0]?.trim().toLowerCase()
    return type === 'application/msgpack' || type === 'application/x-msgpack'
  }
  return false
}
