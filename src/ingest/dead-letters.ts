import { setTimeout } from 'node:timers/promises'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import type { EventFault } from '../event/parse-event.ts'
import type { LogRecord, Partition } from '../log/event-log.ts'
import { RefusedError } from '../log/kafka/kafka-error.ts'
import type { OutgoingRecord, TopicWriter } from '../log/kafka/produce/topic-writer.ts'

interface DeadLettersOptions {
  /** `undefined`: nothing is copied. It is closed by `stop`. */
  readonly writer: TopicWriter | undefined
  readonly logger: WarnLog
  /** Records in the queue at most. */
  readonly maxRecords?: number
  /** Their memory at most. */
  readonly maxBytes?: number
  /** Resolves after some milliseconds, or when the signal aborts; real time if left out. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * What became of a poison record's copy: it is in the topic; there was no room in the queue; Kafka refused it
 * (too large, or no right); or it was not written in time. A closed set, for metrics.
 */
const deadLetterOutcomes = ['written', 'overflow', 'refused', 'failed'] as const

export type DeadLetterOutcome = (typeof deadLetterOutcomes)[number]

interface QueuedRecord {
  readonly letter: OutgoingRecord
  readonly bytes: number
}

const defaultMaxRecords = 10_000
const defaultMaxBytes = 16 * 1_048_576
/** 100 at once, ten times a second: however many records are poison, copying takes 2 % of a core at most. */
const batchRecords = 100
const batchBytes = 524_288
const pauseMs = 100
/** How long a stop waits for the queue; closing the writer then waits for the batch under way. */
const stopMs = 2000

/** Copies poison records to a topic; reading never waits for it. */
export class DeadLetters {
  readonly counts = Object.fromEntries(deadLetterOutcomes.map(outcome => [outcome, 0])) as Record<
    DeadLetterOutcome,
    number
  >
  readonly #options: DeadLettersOptions
  readonly #log: RateLimitedLog
  readonly #stopping = new AbortController()
  #queue: QueuedRecord[] = []
  #queuedBytes = 0
  #writing: Promise<void> | undefined
  #isStopped = false

  constructor(options: DeadLettersOptions) {
    this.#options = options
    this.#log = new RateLimitedLog(options.logger, 5000)
  }

  /** Queues a copy of a record, which may be a view. */
  readonly add = (record: LogRecord, partition: Partition, fault: EventFault): void => {
    const { writer, maxRecords = defaultMaxRecords, maxBytes = defaultMaxBytes } = this.#options
    if (writer === undefined) return
    const bytes = bytesOf(record)
    if (this.#queue.length >= maxRecords || this.#queuedBytes + bytes > maxBytes) {
      this.#count('overflow', 1, 'there was no room in the queue')
      return
    }
    this.#queue.push({ letter: deadLetterOf(record, partition, fault), bytes })
    this.#queuedBytes += bytes
    this.#writing ??= this.#write(writer)
  }

  /**
   * Waits a few seconds for the queue, then counts the rest as failed. To be called when reading has ended.
   */
  async stop(): Promise<void> {
    const { writer } = this.#options
    if (writer === undefined) return
    this.#stopping.abort()
    const timeout = new AbortController()
    await Promise.race([this.#writing, this.#pause(stopMs, timeout.signal)])
    timeout.abort()
    this.#isStopped = true
    if (this.#queue.length > 0) this.#count('failed', this.#queue.length, 'the node stopped')
    this.#queue = []
    await writer.close()
    await this.#writing
  }

  async #write(writer: TopicWriter): Promise<void> {
    // The first batch has all poison records of one read.
    await Promise.resolve()
    while (this.#queue.length > 0 && !this.#isStopped) {
      const results = await writer.write(this.#nextBatch())
      for (const result of results) {
        if ('position' in result) this.counts.written++
        else this.#count(outcomeOf(result.error), 1, result.error.message)
      }
      if (this.#queue.length > 0) await this.#pause(pauseMs, this.#stopping.signal)
    }
    this.#writing = undefined
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { pause = realPause } = this.#options
    return pause(ms, signal)
  }

  #nextBatch(): readonly OutgoingRecord[] {
    let count = 0
    let sum = 0
    for (const { bytes } of this.#queue) {
      if (count > 0 && (count === batchRecords || sum + bytes > batchBytes)) break
      sum += bytes
      count++
    }
    this.#queuedBytes -= sum
    return this.#queue.splice(0, count).map(({ letter }) => letter)
  }

  #count(outcome: DeadLetterOutcome, records: number, reason: string): void {
    this.counts[outcome] += records
    this.#log.warn({ outcome, records, why: reason }, 'poison records were not copied to the dead letters')
  }
}

async function realPause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {})
}

function outcomeOf(error: unknown): DeadLetterOutcome {
  return error instanceof RefusedError ? 'refused' : 'failed'
}

/** The prefix of the headers that describe the fault, after Kafka Connect's `__connect.errors.`. */
const prefix = '__ticker.errors.'
/** Approximate size of our own headers and the key. */
const ownBytes = 400
/** Memory of a header besides its text. */
const headerBytes = 300

/**
 * Returns the copy of a poison record: its value, its headers, then headers with its position and fault. The
 * key is `topic/partition/offset`, so that a compacted topic keeps one of the copies that every node makes at
 * every start.
 */
function deadLetterOf(record: LogRecord, partition: Partition, fault: EventFault): OutgoingRecord {
  const { offset, timestampMs, key, value, headers } = record
  const facts: Readonly<Record<string, string>> = {
    reason: fault.reason,
    rule: fault.rule,
    topic: partition.topic,
    partition: String(partition.partition),
    offset: String(offset),
    timestamp: String(timestampMs),
  }
  const ours = Object.entries(facts).map(([name, text]) => ({
    name: prefix + name,
    value: Buffer.from(text),
  }))
  return {
    key: `${partition.topic}/${partition.partition}/${offset}`,
    value: copyOf(value),
    headers: [
      ...headers.map(header => ({ name: header.name, value: copyOf(header.value) })),
      ...ours,
      ...(key === null ? [] : [{ name: `${prefix}key`, value: Buffer.from(key) }]),
    ],
  }
}

/** Returns the approximate memory of a record's copy. */
function bytesOf({ key, value, headers }: LogRecord): number {
  const ofHeaders = headers.reduce(
    (sum, header) => sum + headerBytes + header.name.length + (header.value?.length ?? 0),
    0,
  )
  return (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders + ownBytes
}

/** A record from Kafka is a view of a whole fetch response. */
function copyOf(bytes: Buffer | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes)
}
