import { isUtf8 } from 'node:buffer'
import { decode, ExtensionCodec } from '@msgpack/msgpack'
import { messageOf } from '../diagnostics/ticker-error.ts'

/**
 * Decodes one MessagePack value (https://github.com/msgpack/msgpack/blob/master/spec.md). Its timestamp type
 * becomes RFC 3339 text. Throws a `SyntaxError` on anything else, such as a value that announces more than
 * its bytes hold, or a text that is not UTF-8. The message shows nothing of the value.
 */
export function decodeMessagePack(bytes: Buffer): unknown {
  try {
    checkAnnounced(bytes)
    return decode(bytes, { extensionCodec })
  } catch (error) {
    throw new SyntaxError(messageOf(error), { cause: error })
  }
}

/**
 * Checks what the library does not. It allocates an array of the announced length before it reads on: 20
 * nested headers of five bytes took 4 GiB. Its own limits (`maxArrayLength` …) bound each array, not all of
 * them together: nested arrays of 1,024 in a record of 300 kB take 870 MB. So all announced values are
 * counted first, and may not exceed the bytes that are left. The library also turns bytes that are not UTF-8
 * into other characters.
 */
function checkAnnounced(bytes: Buffer): void {
  let at = 0
  for (let expected = 1; expected > 0; expected -= 1) {
    const head = bytes[at]
    if (head === undefined)
      throw new RangeError(`the MessagePack value needs more than its ${bytes.length} bytes`)
    const layout = layouts[head] ?? scalar
    const counted = layout.countBytes > 0 ? readCount(bytes, at + 1, layout.countBytes) : layout.count
    at += 1 + layout.countBytes + layout.payloadBytes + counted * layout.bytesPerCount
    expected += counted * layout.valuesPerCount
    if (at + expected - 1 > bytes.length) {
      throw new RangeError(`the MessagePack value announces more than its ${bytes.length} bytes hold`)
    }
    if (layout.isText && !isUtf8(bytes.subarray(at - counted, at))) {
      throw new SyntaxError('it has a text that is not UTF-8')
    }
  }
}

/**
 * The bytes after the first byte of a value: a count (or `count` itself), a payload, and bytes or values for
 * each that is counted.
 */
interface ValueLayout {
  readonly countBytes: number
  readonly count: number
  readonly payloadBytes: number
  readonly bytesPerCount: number
  readonly valuesPerCount: number
  /** Whether the counted bytes are a text. */
  readonly isText: boolean
}

const scalar: ValueLayout = {
  countBytes: 0,
  count: 0,
  payloadBytes: 0,
  bytesPerCount: 0,
  valuesPerCount: 0,
  isText: false,
}
const payload = (payloadBytes: number): ValueLayout => ({ ...scalar, payloadBytes })
const bytesOf = (countBytes: number, payloadBytes = 0): ValueLayout => ({
  ...scalar,
  countBytes,
  payloadBytes,
  bytesPerCount: 1,
})
const textOf = (countBytes: number): ValueLayout => ({ ...bytesOf(countBytes), isText: true })
const arrayOf = (countBytes: number): ValueLayout => ({ ...scalar, countBytes, valuesPerCount: 1 })
const mapOf = (countBytes: number): ValueLayout => ({ ...scalar, countBytes, valuesPerCount: 2 })

/** The formats 0xc0 to 0xdf, in order. 0xc1 is never used; the library refuses it. */
const upperLayouts: readonly ValueLayout[] = [
  [scalar, scalar, scalar, scalar],
  [bytesOf(1), bytesOf(2), bytesOf(4)],
  [bytesOf(1, 1), bytesOf(2, 1), bytesOf(4, 1)],
  [payload(4), payload(8)],
  [payload(1), payload(2), payload(4), payload(8)],
  [payload(1), payload(2), payload(4), payload(8)],
  [payload(2), payload(3), payload(5), payload(9), payload(17)],
  [textOf(1), textOf(2), textOf(4)],
  [arrayOf(2), arrayOf(4)],
  [mapOf(2), mapOf(4)],
].flat()

function layoutOf(head: number): ValueLayout {
  if (head < 0x80 || head >= 0xe0) return scalar
  if (head < 0x90) return { ...scalar, count: head - 0x80, valuesPerCount: 2 }
  if (head < 0xa0) return { ...scalar, count: head - 0x90, valuesPerCount: 1 }
  if (head < 0xc0) return { ...scalar, count: head - 0xa0, bytesPerCount: 1, isText: true }
  return upperLayouts[head - 0xc0] ?? scalar
}

/** By the first byte of a value. */
const layouts: readonly ValueLayout[] = Array.from({ length: 256 }, (_, head) => layoutOf(head))

function readCount(bytes: Buffer, at: number, length: number): number {
  if (at + length > bytes.length) throw new RangeError('the MessagePack value ends within a count')
  return bytes.readUIntBE(at, length)
}

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
