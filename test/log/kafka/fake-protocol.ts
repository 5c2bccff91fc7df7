import { ByteReader } from '../../../src/log/kafka/protocol/byte-reader.ts'

/**
 * The pieces of Kafka's protocol that the fake cluster answers with, written apart from the code under test.
 */
export const int8 = (value: number) => Buffer.from([value & 0xff])

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

export function uvarint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

export const noTags = uvarint(0)
export const compactBytes = (bytes: Buffer) => Buffer.concat([uvarint(bytes.length + 1), bytes])
export const compactString = (text: string) => compactBytes(Buffer.from(text))
export const compactArray = (elements: readonly Buffer[]) =>
  Buffer.concat([uvarint(elements.length + 1), ...elements])
export const array = (elements: readonly Buffer[]) => Buffer.concat([int32(elements.length), ...elements])

/** A request as it came. */
export interface FakeRequest {
  readonly apiKey: number
  readonly correlationId: number
  /** Stands behind the header. */
  readonly body: ByteReader
}

/** Reads the header of a request, without its length. */
export function readRequest(bytes: Buffer): FakeRequest {
  const body = new ByteReader(bytes)
  const apiKey = body.int16()
  body.int16()
  const correlationId = body.int32()
  body.skip(body.int16())
  if (apiKey !== 18) body.skipTags()
  return { apiKey, correlationId, body }
}

/** Frames an answer; only that to ApiVersions has no tagged fields in its header. */
export function frameAnswer({ apiKey, correlationId }: FakeRequest, body: Buffer): Buffer {
  const answer = Buffer.concat([int32(correlationId), ...(apiKey === 18 ? [] : [noTags]), body])
  return Buffer.concat([int32(answer.length), answer])
}

/** What a Fetch of version 13 asks. */
export interface FakeFetch {
  readonly maxWaitMs: number
  readonly positions: readonly { topicId: string; partition: number; offset: number; leaderEpoch: number }[]
}

export function readFetch(body: ByteReader): FakeFetch {
  body.skip(4)
  const maxWaitMs = body.int32()
  body.skip(4 + 4 + 1 + 4 + 4)
  const topics = body.compactArray(() => {
    const topicId = body.bytes(16).toString('base64url')
    const positions = body.compactArray(() => {
      const partition = body.int32()
      body.skip(4)
      const offset = body.int64()
      const leaderEpoch = body.int32()
      body.skip(8 + 4)
      body.skipTags()
      return { topicId, partition, offset, leaderEpoch }
    })
    body.skipTags()
    return positions
  })
  return { maxWaitMs, positions: topics.flat() }
}

/** What a ListOffsets of version 6 asks. */
export function readListOffsets(body: ByteReader): { topic: string; partition: number; timeMs: number }[] {
  body.skip(4 + 1)
  return body
    .compactArray(() => {
      const topic = body.compactString() ?? ''
      const questions = body.compactArray(() => {
        const partition = body.int32()
        body.skip(4)
        const timeMs = body.int64()
        body.skipTags()
        return { topic, partition, timeMs }
      })
      body.skipTags()
      return questions
    })
    .flat()
}
