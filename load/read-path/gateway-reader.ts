import type { MarketEvent } from '../../src/event/event.ts'
import { defaultDecoder } from '../../src/event/decoder.ts'
import { EventFault, parseEvent } from '../../src/event/parse-event.ts'
import { Feed } from '../../src/fanout/feed.ts'
import type { LogRecord, Position } from '../../src/log/event-log.ts'
import { RecordSetReader } from '../../src/log/kafka/record-set-reader.ts'
import type { FetchedPartition } from '../../src/log/kafka/fetch.ts'
import { answerCalls } from '../child-calls.ts'
import { StageClock } from '../stage-clock.ts'
import { type GatewayStage, gatewayStages } from './gateway-stages.ts'
import { RawReader } from './raw-reader.ts'

// The gateway's parts in the order of `src/log/kafka/tail.ts` and `src/gateway/ingest.ts`, stage after stage for each slice.

/** CPU in µs. */
export type StagesUs = Readonly<Record<GatewayStage, number>> & { readonly events: number }

/** As in `src/log/kafka/tail.ts`. */
const sliceRecords = 1000
const maxItems = 200_000

let reader: RawReader | undefined

/** The functions of this process. */
const functions = {
  async open(brokers: string, topics: Readonly<Record<string, string>>): Promise<void> {
    reader = await RawReader.open(brokers, topics)
  },

  /** Reads everything in the topics once. */
  async read(): Promise<StagesUs> {
    if (reader === undefined) throw new Error('nothing is open')
    const pass = new Pass()
    await reader.eachAnswer(answer => pass.take(answer))
    return pass.result()
  },
}

export type GatewayReader = typeof functions

class Pass {
  readonly #clock = new StageClock<GatewayStage>()
  readonly #feed = new Feed({ maxItems })
  #events = 0

  /** One answer, or none: what was used up to here is the fetch's. */
  take(fetched: readonly { readonly from: Position; readonly partition: FetchedPartition }[]): void {
    this.#clock.end('fetch')
    for (const { from, partition } of fetched) this.#takePartition(from, partition)
  }

  result(): StagesUs {
    const us = Object.fromEntries(gatewayStages.map(stage => [stage, this.#clock.us(stage)]))
    return { ...(us as Record<GatewayStage, number>), events: this.#events }
  }

  #takePartition(
    { offset, partition }: Position,
    { records, highWatermark, aborted }: FetchedPartition,
  ): void {
    const set = new RecordSetReader({ bytes: records, position: offset, end: highWatermark, aborted })
    const index = this.#feed.indexOf(partition)
    for (;;) {
      const before = set.position
      const slice = set.next(sliceRecords)
      this.#clock.end('decode')
      if (set.position === before) return
      this.#takeSlice(slice, index)
    }
  }

  #takeSlice(slice: readonly LogRecord[], partition: number): void {
    const values = slice.map(record => defaultDecoder.decode(record))
    this.#clock.end('parse')
    const events = values.map(checked)
    this.#clock.end('validate')
    for (const [index, event] of events.entries()) {
      this.#feed.add(event, partition, slice[index]?.timestampMs ?? 0)
    }
    this.#feed.flush()
    this.#clock.end('encode')
    this.#events += events.length
  }
}

function checked(value: unknown): MarketEvent {
  const event = parseEvent(value)
  if (event instanceof EventFault) throw new Error(event.message)
  return event
}

answerCalls(functions)
