import { createEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { EventLog } from '../../../src/log/event-log.ts'
import { defaultTopics } from '../../../src/log/topics.ts'
import { sampleTrade } from '../conformance/sample-event.ts'

/** One call of `append` in another process, printed when it was answered. */
export interface Acknowledgement {
  /** The number of the first trade, and the offset of each. */
  readonly first: number
  readonly offsets: readonly number[]
}

const portion = 37

/** Appends trades of one symbol, and prints a line for each portion when it is acknowledged. */
async function append(log: EventLog, symbol: string, count: number): Promise<void> {
  for (let first = 0; first < count; first += portion) {
    const length = Math.min(portion, count - first)
    const trades = Array.from({ length }, (_, index) => sampleTrade(symbol, first + index))
    const results = await log.append(trades)
    const offsets = results.map(result => {
      if ('error' in result) throw result.error
      return result.position.offset
    })
    process.stdout.write(`${JSON.stringify({ first, offsets })}\n`)
  }
}

/** Reads a number of events from the beginning, and prints them on one line. */
async function read(log: EventLog, count: number): Promise<void> {
  const events: unknown[] = []
  for await (const batches of log.tail([], new AbortController().signal)) {
    for (const { records } of batches)
      for (const { offset, key } of records) events.push([offset, key?.toString()])
    if (events.length >= count) break
  }
  process.stdout.write(`${JSON.stringify(events)}\n`)
}

// `append PATH SYMBOL COUNT` or `read PATH COUNT`. Nothing is closed: the process must end by itself.
const [, , command, path = '', ...rest] = process.argv
const log = createEmbeddedLog({ path, topics: defaultTopics, logger: console })
if (command === 'append') await append(log, rest[0] ?? '', Number(rest[1]))
else await read(log, Number(rest[0]))
