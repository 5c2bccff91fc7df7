import { isDeepStrictEqual } from 'node:util'
import { constants, createDeflateRaw, deflateRawSync, zstdCompressSync } from 'node:zlib'
import { encode } from '@msgpack/msgpack'
import { TapeWriter } from '../../src/wire/tape/encoding/tape-writer.ts'
import { TapeDecoder } from '../../src/wire/tape/decoding/tape-decoder.ts'
import { TapeEncoder } from '../../src/wire/tape/encoding/tape-encoder.ts'
import { writeCovers, writeFrameHead, writeFrameTail } from '../../src/wire/tape/encoding/tape-frame.ts'
import type { Batch, PlacedEvent } from './batches.ts'

export const forms = ['json', 'messagePack', 'deflateEach', 'deflateContext', 'tape'] as const
export type Form = (typeof forms)[number]

/** What permessage-deflate leaves out at the end of each message (RFC 7692 §7.2.1). */
const deflateTailBytes = 4

/** The payloads of all frames in JSON, coverage included. */
export function jsonFrames(batches: readonly Batch[]): Buffer[] {
  return batches.map(batch => Buffer.from(JSON.stringify(messagesOf(batch))))
}

export function messagePackFrames(batches: readonly Batch[]): Uint8Array[] {
  return batches.map(batch => encode(messagesOf(batch)))
}

/** The events with what they cover, as they go out in `ticker.v1.json`. */
function messagesOf({ events, ranges }: Batch): object[] {
  const { numbers, from, to } = ranges
  const covered = numbers.map((number, place) => [number, from[place], to[place]])
  return [...events.map(({ event }) => event), { T: 'coverage', ranges: covered }]
}

/** The frames of a shared chain in which every event is encoded, to receivers who were told where the partitions begin. */
export function tapeFrames(all: readonly PlacedEvent[], batches: readonly Batch[]): Uint8Array[] {
  const records = recordsOf(all)
  const frames = batches.map(({ events, ranges }) => {
    const out = new TapeWriter()
    writeFrameHead(ranges, out)
    for (const one of events) out.append(records.get(one) ?? new Uint8Array())
    writeFrameTail(ranges, out)
    return out.written.slice()
  })
  return [opening(all), ...frames]
}

function recordsOf(all: readonly PlacedEvent[]): Map<PlacedEvent, Uint8Array> {
  const encoder = new TapeEncoder()
  return new Map(
    all.map(one => {
      const out = new TapeWriter()
      encoder.encode(one.event, one, out)
      return [one, out.written.slice()]
    }),
  )
}

function opening(all: readonly PlacedEvent[]): Uint8Array {
  const out = new TapeWriter()
  out.byte(0x80)
  for (const partition of new Set(all.map(one => one.partition)))
    writeCovers({ partition, from: 0, to: 0 }, out)
  return out.written.slice()
}

/** Throws unless the frames say exactly what is in the batches. */
export function checkTape(frames: readonly Uint8Array[], batches: readonly Batch[]): void {
  const decoder = new TapeDecoder()
  for (const [index, frame] of frames.entries()) {
    const read = decoder.decode(frame)
    const batch = batches[index - 1]
    if (read.kind !== 'events' || batch === undefined) continue
    const events = batch.events.map(({ event }) => event)
    const reached = read.ranges.map(({ partition, from, to }) => [partition, from, to])
    const { numbers, from, to } = batch.ranges
    const expected = numbers.map((number, place) => [number, from[place], to[place]])
    if (!isDeepStrictEqual(read.events, events) || !isDeepStrictEqual(reached, expected)) {
      throw new Error(`frame ${index}: decoded, it is not what was encoded`)
    }
  }
}

/** Bytes of all frames with their WebSocket headers. */
export function framedBytes(payloads: readonly Uint8Array[]): number {
  return payloads.reduce((sum, { length }) => sum + length + headerBytes(length), 0)
}

function headerBytes(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10
}

/** Each payload deflated for itself, with its header. */
export function deflatedEach(payloads: readonly Uint8Array[]): number {
  return payloads.reduce((sum, payload) => {
    const { length } = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH })
    return sum + length - deflateTailBytes + headerBytes(length - deflateTailBytes)
  }, 0)
}

/** One payload after another through one deflater, as permessage-deflate with context takeover does for each connection. */
export async function deflatedInContext(payloads: readonly Uint8Array[]): Promise<number> {
  const deflate = createDeflateRaw()
  let written = 0
  let sum = 0
  deflate.on('data', (chunk: Buffer) => (written += chunk.length))
  for (const payload of payloads) {
    written = 0
    deflate.write(payload)
    await new Promise<void>(resolve => deflate.flush(constants.Z_SYNC_FLUSH, () => resolve()))
    sum += written - deflateTailBytes + headerBytes(written - deflateTailBytes)
  }
  deflate.destroy()
  return sum
}

/** Everything at once by zstd at level 19, a JSON object a line: a floor of sorts. */
export function zstdBytes(events: readonly PlacedEvent[]): number {
  const lines = events.map(({ event }) => JSON.stringify(event)).join('\n')
  const params = { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_windowLog]: 25 }
  return zstdCompressSync(lines, { params }).length
}
