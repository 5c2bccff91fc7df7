import type { MarketEvent } from '../../../src/event/event.ts'
import type { EventLog, Partition } from '../../../src/log/event-log.ts'

const { signal } = new AbortController()

/** Where an answer says that an event lies. */
export interface LogPlace {
  readonly topic: string
  readonly partition: number
  readonly epoch: string
  readonly position: number
}

/** Where each partition ends now. */
export async function mark(log: EventLog): Promise<ReadonlyMap<Partition, number>> {
  const ends = new Map<Partition, number>()
  for (const { partition } of await log.partitions(signal)) {
    ends.set(partition, (await log.ends(partition)).stable)
  }
  return ends
}

/** The events that lie behind the marks, partition by partition. */
export async function readSince(
  log: EventLog,
  marks: ReadonlyMap<Partition, number>,
): Promise<MarketEvent[]> {
  const events: MarketEvent[] = []
  for (const [partition, from] of marks) {
    const { stable } = await log.ends(partition)
    for await (const { records } of log.range(partition, from, stable, signal)) {
      events.push(...records.map(({ value }) => JSON.parse(String(value)) as MarketEvent))
    }
  }
  return events
}

/** The event that lies there, with the epoch that the answer states. */
export async function readAt(log: EventLog, place: LogPlace): Promise<MarketEvent | undefined> {
  const { topic, epoch, position } = place
  const found = (await log.partitions(signal)).find(
    each =>
      each.epoch === epoch && each.partition.topic === topic && each.partition.partition === place.partition,
  )
  if (found === undefined) return undefined
  for await (const { records } of log.range(found.partition, position, position + 1, signal)) {
    if (records[0] !== undefined) return JSON.parse(String(records[0].value)) as MarketEvent
  }
  return undefined
}
