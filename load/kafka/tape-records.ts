import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { parseEvent, EventFault } from '../../src/event/parse-event.ts'
import { channelOfType } from '../../src/event/event.ts'
import { recordKeyOf, type Stream, streams, topicOf, type Topics } from '../../src/log/topics.ts'
import { generateTape, sharedTapePath } from '../../test/support/tape.ts'

/** An event as it lies in Kafka. */
export interface TapeRecord {
  readonly stream: Stream
  readonly key: string
  readonly value: string
}

/** Events of a market, some minutes of them. */
export interface TapeRecords {
  /** Which market, in words. */
  readonly description: string
  readonly records: readonly TapeRecord[]
}

const generatedEvents = 120_000
/** A topic is called as its stream here, so that `topicOf` answers the stream. */
const streamNames = Object.fromEntries(streams.map(stream => [stream, stream])) as Topics

/** The real tape, byte for byte, if it lies beside this checkout, else a generated one. */
export async function readTapeRecords(): Promise<TapeRecords> {
  const path = sharedTapePath()
  const lines =
    path === undefined
      ? generateTape({ seed: 1, events: generatedEvents }).map(event => JSON.stringify(event))
      : createInterface({ input: createReadStream(path).pipe(createGunzip()) })
  const records: TapeRecord[] = []
  for await (const line of lines) records.push(recordOf(line))
  const description =
    path === undefined
      ? `a generated tape of 300 symbols and all ${Object.keys(channelOfType).length} types`
      : 'the real tape (trades and quotes of four symbols)'
  return { description, records }
}

/** Bytes of the average value. */
export function meanValueBytes({ records }: TapeRecords): number {
  return records.reduce((sum, { value }) => sum + Buffer.byteLength(value), 0) / records.length
}

function recordOf(value: string): TapeRecord {
  const event = parseEvent(JSON.parse(value))
  if (event instanceof EventFault) throw new Error(`the tape holds what is no event: ${event.message}`)
  const stream = streams.find(name => name === topicOf(event, streamNames))
  if (stream === undefined) throw new Error(`${event.T}: an event of no stream`)
  return { stream, key: recordKeyOf(event), value }
}
