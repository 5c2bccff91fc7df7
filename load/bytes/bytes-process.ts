import { decode, encode } from '@msgpack/msgpack'
import type { MarketEvent } from '../../src/event/event.ts'
import { TapeWriter } from '../../src/wire/tape/encoding/tape-writer.ts'
import { TapeDecoder } from '../../src/wire/tape/decoding/tape-decoder.ts'
import { TapeEncoder } from '../../src/wire/tape/encoding/tape-encoder.ts'
import { answerCalls } from '../child-calls.ts'
import { StageClock } from '../stage-clock.ts'
import { batchesOf, type PlacedEvent } from './batches.ts'
import { BehindMarket, type Source, windowBytes } from './behind.ts'
import {
  checkTape,
  deflatedEach,
  deflatedInContext,
  framedBytes,
  jsonFrames,
  messagePackFrames,
  tapeFrames,
  zstdBytes,
} from './forms.ts'
import { type Market, markets } from './markets.ts'
import {
  type BatchBytes,
  batchTimesMs,
  type BehindBytes,
  type MarketBytes,
  type MarketTimes,
  type TimedStep,
  timedSteps,
} from './measured.ts'

/** Events that are read together. */
const ingestEvents = 500

/** The functions of this process. */
const functions = {
  async bytes(tape: string | undefined, events: number): Promise<MarketBytes[]> {
    const all: MarketBytes[] = []
    for (const market of await markets(tape, events)) all.push(await bytesOf(market))
    return all
  },

  async times(tape: string | undefined, events: number): Promise<MarketTimes[]> {
    const all: MarketTimes[] = []
    // A watch list costs nothing in a shared chain.
    for (const market of (await markets(tape, events)).slice(0, 2)) {
      // Compiles what is measured.
      await timesOf(market)
      all.push({ name: market.name, ns: await timesOf(market) })
    }
    return all
  },
}

export type BytesProcess = typeof functions

async function bytesOf(market: Market): Promise<MarketBytes> {
  const { name, events, isWanted } = market
  const byBatch: BatchBytes[] = []
  for (const batchMs of batchTimesMs) {
    const batches = batchesOf(events, batchMs, isWanted)
    const count = batches.reduce((sum, batch) => sum + batch.events.length, 0)
    const json = jsonFrames(batches)
    const tape = tapeFrames(events, batches)
    checkTape(tape, batches)
    const bytes = {
      json: framedBytes(json) / count,
      messagePack: framedBytes(messagePackFrames(batches)) / count,
      deflateEach: deflatedEach(json) / count,
      deflateContext: (await deflatedInContext(json)) / count,
      tape: framedBytes(tape) / count,
    }
    byBatch.push({ batchMs, events: count, frames: batches.length, bytes })
  }
  const wanted = events.filter(isWanted)
  const behind = [await behindBytes(market, 'json'), await behindBytes(market, 'tape')]
  return { name, byBatch, behind, zstd: zstdBytes(wanted) / wanted.length }
}

async function behindBytes({ events, symbols }: Market, form: BehindBytes['form']): Promise<BehindBytes> {
  const bytesFrom = async (source: Source): Promise<number> => {
    const read = await new BehindMarket(windowBytes[source])
      .take(events)
      .read({ form: `ticker.v1.${form}`, symbols })
    return read.frames.reduce((sum, block) => sum + block.framed().length, 0) / read.events
  }
  return { form, memory: await bytesFrom('memory'), log: await bytesFrom('log') }
}

async function timesOf({ events, isWanted }: Market): Promise<Record<TimedStep, number>> {
  const clock = new StageClock<TimedStep | 'rest'>()
  const batches = batchesOf(events, 100, isWanted)
  const tape = tapeFrames(events, batches)
  const json = jsonFrames(batches)
  const messagePack = messagePackFrames(batches)
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
  const entries = timedSteps.map(step => [step, (clock.us(step) * 1000) / events.length])
  // The keys are those of the list.
  return Object.fromEntries(entries) as Record<TimedStep, number>
}

/** Each record, one after another into one buffer, as a segment would have them; of events that have just been read, as in the gateway. */
function encodeAll(events: readonly PlacedEvent[], clock: StageClock<TimedStep | 'rest'>): void {
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

answerCalls(functions)
