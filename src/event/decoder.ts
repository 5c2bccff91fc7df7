import { isUtf8 } from 'node:buffer'
import { decode as decodeMessagePack, ExtensionCodec } from '@msgpack/msgpack'
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
    return isMessagePack(record) ? decodeMessagePack(value, { extensionCodec }) : decodeJson(value)
  },
}

function decodeJson(value: Buffer): unknown {
  if (!isUtf8(value)) throw new SyntaxError('the value is not UTF-8')
  return JSON.parse(value.toString('utf8'))
}

function isMessagePack(record: LogRecord): boolean {
  for (const { name, value } of record.headers) {
    if (name.toLowerCase() !== 'content-type' || value === null) continue
    const type = value.toString('latin1').split(';', 1)[0]?.trim().toLowerCase()
    return type === 'application/msgpack' || type === 'application/x-msgpack'
  }
  return false
}

/** MessagePack's timestamp extension (type -1) becomes RFC 3339 text with as many fraction digits as it needs. */
const extensionCodec = new ExtensionCodec()
extensionCodec.register({
  type: -1,
  encode: () => null,
  decode(data) {
    const { seconds, nanoseconds } = readTimestamp(data)
    const time = new Date(seconds * 1000).toISOString().slice(0, 19)
    const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`
    return `${time}${fraction}Z`
  },
})

/** The three layouts of https://github.com/msgpack/msgpack/blob/master/spec.md#timestamp-extension-type. */
function readTimestamp(data: Uint8Array): { seconds: number; nanoseconds: number } {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (data.length === 4) return { seconds: view.getUint32(0), nanoseconds: 0 }
  if (data.length === 8) {
    const high = view.getUint32(0)
    return { seconds: (high & 3) * 2 ** 32 + view.getUint32(4), nanoseconds: high >>> 2 }
  }
  if (data.length === 12) return { seconds: Number(view.getBigInt64(4)), nanoseconds: view.getUint32(0) }
  throw new RangeError(`a MessagePack timestamp of ${data.length} bytes: expected 4, 8 or 12`)
}
