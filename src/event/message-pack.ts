import { isUtf8 } from 'node:buffer'
import { decode, ExtensionCodec } from '@msgpack/msgpack'
import { messageOf } from '../diagnostics/ticker-error.ts'

/**
 * Decodes one MessagePack value (https://github.com/msgpack/msgpack/blob/master/spec.md); its timestamp type
 * becomes RFC 3339 text. Throws a `SyntaxError` on anything else: a value that announces more than its bytes
 * hold, or a text that is not UTF-8, included. Its message shows nothing of the value.
 */
export function decodeMessagePack(bytes: Buffer): unknown {
  try {
    checkForm(bytes)
    return decode(bytes, { extensionCodec })
  } catch (error) {
    throw new SyntaxError(messageOf(error), { cause: error })
  }
}

/**
 * The library makes an array as long as its header says before it reads on: 20 nested headers of five bytes
 * took 4 GiB and the process. So the headers are added up first, and may not announce more values than there
 * are bytes left. It alters texts that are not UTF-8 without a word, so they are looked at on the way.
 */
function checkForm(bytes: Buffer): void {
  let at = 0
  for (let expected = 1; expected > 0; expected -= 1) {
    const head = bytes[at]
    if (head === undefined)
      throw new RangeError(`the MessagePack value goes on after its ${bytes.length} bytes`)
    const shape = shapes[head] ?? scalar
    const counted = shape.countBytes > 0 ? readCount(bytes, at + 1, shape.countBytes) : shape.count
    at += 1 + shape.countBytes + shape.payloadBytes + counted * shape.bytesPerCount
    expected += counted * shape.valuesPerCount
    if (at + expected - 1 > bytes.length) {
      throw new RangeError(`the MessagePack value announces more than its ${bytes.length} bytes hold`)
    }
    if (shape.isText && !isUtf8(bytes.subarray(at - counted, at))) {
      throw new SyntaxError('it has a text that is not UTF-8')
    }
  }
}

/**
 * What follows the first byte of a value: a count (or `count` itself), a payload, and per count bytes or
 * values.
 */
interface Shape {
  readonly countBytes: number
  readonly count: number
  readonly payloadBytes: number
  readonly bytesPerCount: number
  readonly valuesPerCount: number
  /** Whether the counted bytes are a text. */
  readonly isText: boolean
}

const scalar: Shape = {
  countBytes: 0,
  count: 0,
  payloadBytes: 0,
  bytesPerCount: 0,
  valuesPerCount: 0,
  isText: false,
}
const payload = (payloadBytes: number): Shape => ({ ...scalar, payloadBytes })
const bytesOf = (countBytes: number, payloadBytes = 0): Shape => ({
  ...scalar,
  countBytes,
  payloadBytes,
  bytesPerCount: 1,
})
const textOf = (countBytes: number): Shape => ({ ...bytesOf(countBytes), isText: true })
const arrayOf = (countBytes: number): Shape => ({ ...scalar, countBytes, valuesPerCount: 1 })
const mapOf = (countBytes: number): Shape => ({ ...scalar, countBytes, valuesPerCount: 2 })

/** The formats 0xc0 to 0xdf, in order; 0xc1 is never used, and the library refuses it. */
const upperShapes: readonly Shape[] = [
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

function shapeOf(head: number): Shape {
  if (head < 0x80 || head >= 0xe0) return scalar
  if (head < 0x90) return { ...scalar, count: head - 0x80, valuesPerCount: 2 }
  if (head < 0xa0) return { ...scalar, count: head - 0x90, valuesPerCount: 1 }
  if (head < 0xc0) return { ...scalar, count: head - 0xa0, bytesPerCount: 1, isText: true }
  return upperShapes[head - 0xc0] ?? scalar
}

/** By the first byte of a value. */
const shapes: readonly Shape[] = Array.from({ length: 256 }, (_, head) => shapeOf(head))

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
