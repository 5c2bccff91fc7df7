import type { KafkaMessage } from 'kafkajs'
import type { LogBatch } from '../../../src/log/event-log.ts'
import type { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import type { Topics } from '../../../src/log/topics.ts'
import { type Compression, registerCompression } from '../../kafka/compression.ts'
import { readWithGroup } from '../../kafka/kafkajs-clients.ts'
import { createLogIngest, openKafkaLog } from '../../kafka/log-ingest.ts'
import { answerCalls } from '../../lib/child.ts'
import { ownCpuUs } from '../../lib/clocks.ts'
import { sumOf } from '../../lib/statistics.ts'

/** Records in topics that are to be read. */
interface Backlog {
  readonly brokers: string
  readonly topics: Topics
  readonly events: number
  readonly compression: Compression
}

export interface Drained {
  /** From the call to the first events: connections, positions, for a group its joining. */
  readonly toFirstMs: number
  /** The events after the first ones, and the seconds and the CPU of the process that they took. */
  readonly counted: number
  readonly seconds: number
  readonly cpuUs: number
}

/** The functions of a process that reads a backlog; each opens what it reads with anew. */
const functions = {
  /** `EventLog.tail` alone: records, not looked into. */
  tail(backlog: Backlog): Promise<Drained> {
    return drainLog(backlog, async (log, stopwatch, signal) => {
      const starts = await log.partitions(signal)
      for await (const batches of log.tail(starts, signal)) stopwatch.count(recordsOf(batches))
    })
  },

  /** What the gateway does without subscribers: decodes, checks, encodes, marks. */
  ingest(backlog: Backlog): Promise<Drained> {
    const { topics } = backlog
    return drainLog(backlog, async (log, stopwatch, signal) => {
      const tail = log.tail.bind(log)
      log.tail = async function* counted(from, ending) {
        for await (const batches of tail(from, ending)) {
          yield batches
          // The consumer has taken a slice in when it asks for the next.
          stopwatch.count(recordsOf(batches))
        }
      }
      await createLogIngest(log, topics).ingest.run(signal)
    })
  },

  /** kafkajs' `eachBatch`, without looking at the messages. */
  messages(backlog: Backlog): Promise<Drained> {
    return drainGroup(backlog, () => undefined)
  },

  /** kafkajs' `eachBatch` with `JSON.parse` of every value. */
  parsed(backlog: Backlog): Promise<Drained> {
    return drainGroup(backlog, messages => {
      for (const { value } of messages) {
        const parsed: unknown = value === null ? undefined : JSON.parse(value.toString('utf8'))
        if (parsed === null) throw new TypeError('an event is null')
      }
    })
  },
}

export type BacklogReader = typeof functions

async function drainLog(
  { brokers, topics, events }: Backlog,
  read: (log: KafkaLog, stopwatch: Stopwatch, signal: AbortSignal) => Promise<void>,
): Promise<Drained> {
  const stopwatch = new Stopwatch(events)
  const log = openKafkaLog(brokers, topics)
  const ending = new AbortController()
  const reading = read(log, stopwatch, ending.signal).then(() => {
    throw new Error('the reading ended before everything was read')
  })
  try {
    return await Promise.race([stopwatch.done, reading])
  } finally {
    reading.catch(() => undefined)
    ending.abort()
    await log.close()
  }
}

function recordsOf(batches: readonly LogBatch[]): number {
  return sumOf(batches, ({ records }) => records.length)
}

async function drainGroup(
  { brokers, topics, events, compression }: Backlog,
  work: (messages: readonly KafkaMessage[]) => void,
): Promise<Drained> {
  registerCompression(compression)
  const stopwatch = new Stopwatch(events)
  const take = ({ messages }: { readonly messages: readonly KafkaMessage[] }): boolean => {
    work(messages)
    return stopwatch.count(messages.length)
  }
  await readWithGroup({ brokers, topics: Object.values(topics), take })
  return await stopwatch.done
}

/** Times a backlog from its first events to its last. */
class Stopwatch {
  readonly #expected: number
  readonly #begunMs = performance.now()
  readonly #done = Promise.withResolvers<Drained>()
  #first = { events: 0, atMs: 0, cpuUs: 0 }
  #events = 0

  constructor(expected: number) {
    this.#expected = expected
  }

  /** Resolves when the last event was counted. */
  get done(): Promise<Drained> {
    return this.#done.promise
  }

  /** Counts events that were read; returns whether they were the last. */
  count(events: number): boolean {
    if (events === 0) return false
    if (this.#events === 0) this.#first = { events, atMs: performance.now(), cpuUs: ownCpuUs() }
    this.#events += events
    if (this.#events < this.#expected) return false
    const { events: first, atMs, cpuUs } = this.#first
    const seconds = (performance.now() - atMs) / 1000
    const counted = this.#events - first
    this.#done.resolve({ toFirstMs: atMs - this.#begunMs, counted, seconds, cpuUs: ownCpuUs() - cpuUs })
    return true
  }
}

answerCalls(functions)
