import { isDeepStrictEqual } from 'node:util'
import { constants, createDeflateRaw, deflateRawSync, zstdCompressSync } from 'node:zlib'
import { decode, encode } from '@msgpack/msgpack'
import type { MarketEvent } from '../../../src/event/event.ts'
import { TapeDecoder } from '../../../src/wire/tape/decoding/tape-decoder.ts'
import { TapeEncoder } from '../../../src/wire/tape/encoding/tape-encoder.ts'
import { writeCovers, writeFrameHead, writeFrameTail } from '../../../src/wire/tape/encoding/tape-frame.ts'
import { TapeWriter } from '../../../src/wire/tape/encoding/tape-writer.ts'
import { denseFrame } from '../../../src/wire/tape/tape-layout.ts'
import { answerCalls } from '../../lib/child.ts'
import { StageClock } from '../../lib/clocks.ts'
import { sumOf } from '../../lib/statistics.ts'
import { type Batch, batchesOf, type PlacedEvent } from './batches.ts'
import { BehindMarket, windowBytes } from './behind.ts'
import { type Market, markets } from './markets.ts'

/** How long the events of one frame are gathered, in ms; 0: each event alone. */
const batchTimesMs = [0, 10, 100]
const ingestEvents = 500

const functions = {
  /** The bytes of an event in each form, by market. */
  async bytes(tape: string | undefined, events: number) {
    const all = await markets(tape, events)
    return await Promise.all(all.map(bytesOf))
  },

  /** The CPU of an event in ns, by step and market. */
  async times(tape: string | undefined, events: number) {
    const all: { name: string; ns: Awaited<ReturnType<typeof timesOf>> }[] = []
    // A watch list costs nothing in a shared chain.
    for (const market of (await markets(tape, events)).slice(0, 2)) {
      // Lets V8 compile the code that is measured.
      await timesOf(market)
      all.push({ name: market.name, ns: await timesOf(market) })
    }
    return all
  },
}

export type BytesProcess = typeof functions
export type MarketBytes = Awaited<ReturnType<BytesProcess['bytes']>>[number]
export type MarketTimes = Awaited<ReturnType<BytesProcess['times']>>[number]

async function bytesOf(market: Market) {
  const { name, events, isWanted } = market
  const byBatch = await Promise.all(batchTimesMs.map(batchMs => batchBytes(market, batchMs)))
  const wanted = events.filter(isWanted)
  const behind = {
    jsonMemory: await behindBytes(market, 'ticker.v1.json', windowBytes.memory),
    jsonLog: await behindBytes(market, 'ticker.v1.json', windowBytes.log),
    tapeMemory: await behindBytes(market, 'ticker.v1.tape', windowBytes.memory),
    tapeLog: await behindBytes(market, 'ticker.v1.tape', windowBytes.log),
  }
  return { name, byBatch, behind, zstd: zstdBytes(wanted) / wanted.length }
}

async function batchBytes({ events, isWanted }: Market, batchMs: number) {
  const batches = batchesOf(events, batchMs, isWanted)
  const count = sumOf(batches, batch => batch.events.length)
  const json = jsonFrames(batches)
  const tape = tapeFrames(events, batches)
  checkTape(tape, batches)
  const bytes = {
    json: framedBytes(json) / count,
    messagePack: framedBytes(batches.map(batch => encode(messagesOf(batch)))) / count,
    deflateEach: deflatedEach(json) / count,
    deflateContext: (await deflatedInContext(json)) / count,
    tape: framedBytes(tape) / count,
  }
  return { batchMs, events: count, frames: batches.length, bytes }
}

async function behindBytes({ events, symbols }: Market, form: string, window: number): Promise<number> {
  const read = await new BehindMarket(window).take(events).read({ form, symbols })
  return sumOf(read.frames, frame => frame.length) / read.events
}

async function timesOf({ events, isWanted }: Market) {
  const clock = new StageClock<Step | 'rest'>()
  const batches = batchesOf(events, 100, isWanted)
  const tape = tapeFrames(events, batches)
  const json = jsonFrames(batches)
  const messagePack = batches.map(batch => encode(messagesOf(batch)))
  encodeAll(events, clock)
  const decoder = new TapeDecoder()
  clock.restart()
  for (const frame of tape) decoder.decode(frame)
  clock.end('tapeDecode')
  for (const frame of json) JSON.parse(frame.toString('utf8'))
  clock.end('jsonDecode')
  for (const frame of messagePack) decode(frame)
  clock.end('messagePackDecode')
  await deflatedInContext(json)
  clock.end('deflateContext')
  const ns = (step: Step): number => (clock.us(step) * 1000) / events.length
  // Every step is a key.
  return Object.fromEntries(steps.map(step => [step, ns(step)])) as Record<Step, number>
}

const codings = ['tapeEncode', 'tapeDecode', 'jsonEncode', 'jsonDecode'] as const
const steps = [...codings, 'messagePackEncode', 'messagePackDecode', 'deflateContext'] as const
type Step = (typeof steps)[number]

/** Encodes events that have just been read, as in the gateway: all records into one buffer. */
function encodeAll(events: readonly PlacedEvent[], clock: StageClock<Step | 'rest'>): void {
  const encoder = new TapeEncoder()
  const out = new TapeWriter()
  const texts = events.map(({ event }) => JSON.stringify(event))
  for (let from = 0; from < texts.length; from += ingestEvents) {
    // The text is that of the event.
    const read = texts.slice(from, from + ingestEvents).map(text => JSON.parse(text) as MarketEvent)
    out.clear()
    clock.end('rest')
    for (const [index, event] of read.entries()) encoder.encode(event, events[from + index]!, out)
    clock.end('tapeEncode')
    Buffer.from(JSON.stringify(read))
    clock.end('jsonEncode')
    encode(read)
    clock.end('messagePackEncode')
  }
}

/** The payloads of all frames in JSON, coverage included. */
function jsonFrames(batches: readonly Batch[]): Buffer[] {
  return batches.map(batch => Buffer.from(JSON.stringify(messagesOf(batch))))
}

/** The events with their coverage, as they go out in `ticker.v1.json`. */
function messagesOf({ events, ranges }: Batch): object[] {
  return [...events.map(({ event }) => event), { T: 'coverage', ranges: triplesOf(ranges) }]
}

function triplesOf({ numbers, from, to }: Batch['ranges']) {
  return numbers.map((number, index) => [number, from[index], to[index]])
}

/** The frames of a shared chain with every event, after one that says where the partitions begin. */
function tapeFrames(all: readonly PlacedEvent[], batches: readonly Batch[]): Uint8Array[] {
  const encoder = new TapeEncoder()
  const records = new Map(all.map(one => [one, written(out => encoder.encode(one.event, one, out))]))
  const opening = written(out => {
    out.byte(denseFrame)
    for (const partition of new Set(all.map(one => one.partition)))
      writeCovers({ partition, from: 0, to: 0 }, out)
  })
  const frames = batches.map(({ events, ranges }) =>
    written(out => {
      writeFrameHead(ranges, out)
      for (const one of events) out.append(records.get(one) ?? new Uint8Array())
      writeFrameTail(ranges, out)
    }),
  )
  return [opening, ...frames]
}

function written(write: (out: TapeWriter) => void): Uint8Array {
  const out = new TapeWriter()
  write(out)
  return out.written.slice()
}

/** Throws unless the frames, decoded, equal the batches. */
function checkTape(frames: readonly Uint8Array[], batches: readonly Batch[]): void {
  const decoder = new TapeDecoder()
  for (const [index, frame] of frames.entries()) {
    const read = decoder.decode(frame)
    const batch = batches[index - 1]
    if (read.kind !== 'events' || batch === undefined) continue
    const events = batch.events.map(({ event }) => event)
    const ranges = read.ranges.map(({ partition, from, to }) => [partition, from, to])
    if (!isDeepStrictEqual(read.events, events) || !isDeepStrictEqual(ranges, triplesOf(batch.ranges)))
      throw new Error(`frame ${index}: decoded, it is not what was encoded`)
  }
}

function framedBytes(payloads: readonly Uint8Array[]): number {
  return sumOf(payloads, ({ length }) => withHeader(length))
}

function withHeader(length: number): number {
  return length + (length < 126 ? 2 : length < 65_536 ? 4 : 10)
}

/** Bytes that permessage-deflate leaves out at the end of each message (RFC 7692 §7.2.1). */
const deflateTailBytes = 4

/** The bytes of payloads that are deflated one by one. */
function deflatedEach(payloads: readonly Uint8Array[]): number {
  const options = { finishFlush: constants.Z_SYNC_FLUSH }
  return sumOf(payloads, payload => withHeader(deflateRawSync(payload, options).length - deflateTailBytes))
}

/** The bytes of payloads that go through one deflater, as with context takeover in permessage-deflate. */
async function deflatedInContext(payloads: readonly Uint8Array[]): Promise<number> {
  const deflate = createDeflateRaw()
  let [length, sum] = [0, 0]
  deflate.on('data', (chunk: Buffer) => (length += chunk.length))
  for (const payload of payloads) {
    length = 0
    deflate.write(payload)
    await new Promise<void>(resolve => deflate.flush(constants.Z_SYNC_FLUSH, () => resolve()))
    sum += withHeader(length - deflateTailBytes)
  }
  deflate.destroy()
  return sum
}

/** The bytes of all events at once by zstd at level 19, a JSON object a line: a floor of sorts. */
function zstdBytes(events: readonly PlacedEvent[]): number {
  const lines = events.map(({ event }) => JSON.stringify(event)).join('\n')
  const params = { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_windowLog]: 25 }
  return zstdCompressSync(lines, { params }).length
}

answerCalls(functions)
