import { defaultDecoder } from '../../src/event/decoder.ts'
import { EventFault, parseEvent } from '../../src/event/parse-event.ts'
import { RecordDecoder } from '../../src/ingest/record-decoder.ts'
import { createTestFeed } from '../../test/support/defaults.ts'
import type { LogRecord, Partition } from '../../src/log/event-log.ts'
import { RecordSetReader } from '../../src/log/kafka/protocol/record-set-reader.ts'
import type { Topics } from '../../src/log/topics.ts'
import { answerCalls } from '../child-calls.ts'
import { StageClock } from '../stage-clock.ts'
import { type AsideStage, type GatewayStage, gatewayStages } from './gateway-stages.ts'
import { type FetchedFrom, RawReader } from './raw-reader.ts'

// The gateway's parts in the order of `src/log/kafka/consume/read-tail.ts` and `src/ingest/ingest.ts`, stage after stage for each slice.

/** CPU in µs, of the gateway's own stages or of those measured aside. */
export type StagesUs<Stage extends string = GatewayStage> = Readonly<Record<Stage, number>> & {
  readonly events: number
}

/** As in `src/log/kafka/consume/read-tail.ts`. */
const sliceRecords = 1000
const maxEventBytes = 262_144

let reader: RawReader | undefined

/** The functions of this process. */
const functions = {
  async open(brokers: string, topics: Topics): Promise<void> {
    reader = await RawReader.open(brokers, topics)
  },

  /** Reads everything in the topics once, as the gateway does. */
  async read(): Promise<StagesUs> {
    const pass = new Pass()
    await opened().eachAnswer(answer => pass.take(answer))
    return pass.result()
  },

  /** What checking costs otherwise: on the same records, apart, so that what it allocates is not the gateway's. */
  async readAside(): Promise<StagesUs<AsideStage>> {
    const clock = new StageClock<AsideStage | 'rest'>()
    let events = 0
    await opened().eachAnswer(answer => {
      for (const { records } of answer.flatMap(fetched => [...slicesOf(fetched)])) {
        clock.end('rest')
        for (const record of records) if (defaultDecoder.decode(record) !== undefined) events++
        clock.end('parse')
        for (const record of records) checked(parseEvent(defaultDecoder.decode(record)))
        clock.end('unfamiliar')
      }
    })
    return { parse: clock.us('parse'), unfamiliar: clock.us('unfamiliar'), events }
  },
}

export type GatewayReader = typeof functions

function opened(): RawReader {
  if (reader === undefined) throw new Error('nothing is open')
  return reader
}

class Pass {
  readonly #clock = new StageClock<GatewayStage>()
  readonly #feed = createTestFeed()
  readonly #decoder = new RecordDecoder({ decoder: defaultDecoder, maxEventBytes, logger: console })
  #events = 0

  /** One answer, or none: what was used up to here is the fetch's. */
  take(fetched: readonly FetchedFrom[]): void {
    this.#clock.end('fetch')
    for (const one of fetched) {
      for (const { records, partition } of slicesOf(one)) {
        this.#clock.end('decode')
        this.#takeSlice(records, this.#feed.numberOf(partition))
      }
    }
  }

  result(): StagesUs {
    const us = Object.fromEntries(gatewayStages.map(stage => [stage, this.#clock.us(stage)]))
    // The keys are those of the list.
    return { ...(us as Record<GatewayStage, number>), events: this.#events }
  }

  #takeSlice(slice: readonly LogRecord[], partition: number): void {
    const place = { topic: 'market.trades', partition }
    const events = slice.map(record => checked(this.#decoder.decode(record, place)))
    this.#clock.end('validate')
    for (const [index, { event, json }] of events.entries()) {
      this.#feed.add(event, { partition, offset: 0, writtenMs: slice[index]?.timestampMs ?? 0, json })
    }
    this.#feed.flush()
    this.#clock.end('encode')
    this.#events += events.length
  }
}

interface Slice {
  readonly records: readonly LogRecord[]
  readonly partition: Partition
}

function* slicesOf({ from, partition: fetched }: FetchedFrom): Generator<Slice, void> {
  const { records: bytes, highWatermark: end, aborted } = fetched
  const { partition, offset: position } = from
  const set = new RecordSetReader({ bytes, position, end, aborted })
  for (;;) {
    const before = set.position
    const records = set.next(sliceRecords)
    if (set.position === before) return
    yield { records, partition }
  }
}

function checked<Found extends object>(found: Found | EventFault | undefined): Found {
  if (found instanceof EventFault) throw new Error(found.message)
  if (found === undefined) throw new Error('a record was passed over')
  return found
}

answerCalls(functions)
