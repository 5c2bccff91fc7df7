import type { EventFault } from '../event/parse-event.ts'
import type { LogRecord, Partition } from '../log/event-log.ts'
import type { OutgoingRecord } from '../log/kafka/record-writer.ts'

/** Of the headers that say what the matter was; in the manner of Kafka Connect's `__connect.errors.`. */
const prefix = '__ticker.errors.'
/** About what our own headers and the key take. */
const ownBytes = 400
/** What a header takes beside its text, however short that is. */
const headerBytes = 300

/**
 * The copy of a poison record: its value as it was, its headers, and behind them where it lies and what is wrong. The key is
 * the place, `topic/partition/offset`, so that a compacted topic keeps one of the copies that every node makes, at every start.
 */
export function deadLetterOf(record: LogRecord, partition: Partition, fault: EventFault): OutgoingRecord {
  const { offset, timestampMs, key, value, headers } = record
  const said: Readonly<Record<string, string>> = {
    reason: fault.reason,
    rule: fault.rule,
    topic: partition.topic,
    partition: String(partition.partition),
    offset: String(offset),
    timestamp: String(timestampMs),
  }
  const ours = Object.entries(said).map(([name, text]) => ({ name: prefix + name, value: Buffer.from(text) }))
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

/** About as many bytes as the copy of a record takes. */
export function bytesOf({ key, value, headers }: LogRecord): number {
  const ofHeaders = headers.reduce(
    (sum, header) => sum + headerBytes + header.name.length + (header.value?.length ?? 0),
    0,
  )
  return (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders + ownBytes
}

/** What came from Kafka is a view of what one fetch brought. */
function copyOf(bytes: Buffer | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes)
}
