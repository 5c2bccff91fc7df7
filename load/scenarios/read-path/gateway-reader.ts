import { defaultDecoder } from '../../../src/event/decoder.ts'
import { EventFault, parseEvent } from '../../../src/event/parse-event.ts'
import { RecordDecoder } from '../../../src/ingest/record-decoder.ts'
import { createTestFeed } from '../../../test/support/defaults.ts'
import type { LogRecord, Partition } from '../../../src/log/event-log.ts'
import { RecordSetReader } from '../../../src/log/kafka/protocol/record-set-reader.ts'
import type { Topics } from '../../../src/log/topics.ts'
import { answerCalls } from '../../lib/child.ts'
import { StageClock } from '../../lib/clocks.ts'
import { type FetchedFrom, openRawReader, type RawReader } from './raw-reader.ts'

// The gateway's parts as in `src/log/kafka/consume/read-tail.ts` and `src/ingest/ingest.ts`, stage by stage.

/** As in `src/log/kafka/consume/read-tail.ts`. */
const sliceRecords = 1000
const maxEventBytes = 262_144

let reader: RawReader | undefined

const functions = {
  async open(brokers: string, topics: Topics): Promise<void> {
    reader = await openRawReader(brokers, topics)
  },

  /** Reads everything in the topics once, as the gateway does. */
  async read() {
    const clock = new StageClock<'fetch' | 'decode' | 'validate' | 'encode'>()
    const feed = createTestFeed()
    const decoder = new RecordDecoder({ decoder: defaultDecoder, maxEventBytes, logger: console })
    let count = 0
    const take = ({ records, partition }: Slice): void => {
      clock.end('decode')
      const number = feed.numberOf(partition)
      const place = { topic: 'market.trades', partition: number }
      const events = records.map(record => checked(decoder.decode(record, place)))
      clock.end('validate')
      for (const [index, { event, json }] of events.entries()) {
        const writtenMs = records[index]?.timestampMs ?? 0
        feed.add(event, { partition: number, offset: 0, writtenMs, json })
      }
      feed.flush()
      clock.end('encode')
      count += events.length
    }
    await opened().eachAnswer(answer => {
      clock.end('fetch')
      for (const fetched of answer) for (const slice of slicesOf(fetched)) take(slice)
    })
    const [fetch, decode] = [clock.us('fetch'), clock.us('decode')]
    return { fetch, decode, validate: clock.us('validate'), encode: clock.us('encode'), events: count }
  },

  /** Checks the same records otherwise, apart, so that its garbage is not the gateway's. */
  async readAside() {
    const clock = new StageClock<'unfamiliar' | 'parse' | 'rest'>()
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
