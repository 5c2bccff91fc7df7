import type { LogBatch } from '../../../src/log/event-log.ts'
import type { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import type { Topics } from '../../../src/log/topics.ts'
import { answerCalls } from '../../lib/child.ts'
import { createLogIngest, everyRecord, openKafkaLog } from '../../kafka/log-ingest.ts'
import { type Drained, Stopwatch } from './stopwatch.ts'

/** The functions of the process that reads as the gateway does. Each opens the log anew. */
const functions = {
  /** `EventLog.tail` alone: records, not looked into. */
  tail(brokers: string, topics: Topics, expected: number): Promise<Drained> {
    return drain(openKafkaLog(brokers, topics), async (log, signal) => {
      const stopwatch = new Stopwatch(expected)
      const starts = await log.partitions(signal)
      const reading = readTail(log.tail(starts, signal), stopwatch)
      return await Promise.race([stopwatch.done, reading])
    })
  },

  /** What the gateway does with it when nobody has subscribed: decoded, checked, encoded, marked. */
  ingest(brokers: string, topics: Topics, expected: number): Promise<Drained> {
    return drain(openKafkaLog(brokers, topics), async (log, signal) => {
      const stopwatch = new Stopwatch(expected)
      countTaken(log, stopwatch)
      const { ingest } = createLogIngest({ log, topics, warmUpRecords: everyRecord })
      const reading = ingest.run(signal)
      return await Promise.race([stopwatch.done, reading.then(endedEarly)])
    })
  },
}

export type LogReader = typeof functions

async function drain(
  log: KafkaLog,
  read: (log: KafkaLog, signal: AbortSignal) => Promise<Drained>,
): Promise<Drained> {
  const ending = new AbortController()
  try {
    return await read(log, ending.signal)
  } finally {
    ending.abort()
    await log.close()
  }
}

async function readTail(tail: ReturnType<KafkaLog['tail']>, stopwatch: Stopwatch): Promise<never> {
  for await (const batches of tail) stopwatch.count(recordsOf(batches))
  return endedEarly()
}

/** A slice is counted when its consumer asks for the next: it has been taken in by then. */
function countTaken(log: KafkaLog, stopwatch: Stopwatch): void {
  const tail = log.tail.bind(log)
  log.tail = async function* taken(from, signal) {
    for await (const batches of tail(from, signal)) {
      yield batches
      stopwatch.count(recordsOf(batches))
    }
  }
}

function recordsOf(batches: readonly LogBatch[]): number {
  return batches.reduce((sum, { records }) => sum + records.length, 0)
}

function endedEarly(): never {
  throw new Error('the reading ended before everything was read')
}

answerCalls(functions)
