import { channelOfType, type MarketEvent } from '../../../src/event/event.ts'
import { murmur2 } from '../../../src/log/kafka/produce/appender.ts'

/** Each of the two topics has so many partitions. */
const partitionsEach = 4

/** An event, and where it lies. */
export interface PlacedEvent {
  readonly event: MarketEvent
  readonly item: number
  readonly partition: number
  readonly offset: number
  readonly timeMs: number
}

/** What goes into one frame, and what it covers: `[from, to)` of the partitions with events in it. */
export interface Batch {
  readonly events: readonly PlacedEvent[]
  readonly ranges: {
    readonly count: number
    readonly numbers: readonly number[]
    readonly from: readonly number[]
    readonly to: readonly number[]
    readonly events: readonly number[]
  }
}

/** Gives events the partitions that Kafka would, by symbol; quotes and everything else are a topic each. */
export function placed(events: readonly MarketEvent[]): PlacedEvent[] {
  const items = new Map<string, number>()
  const offsets = Array.from({ length: partitionsEach * 2 }, () => 0)
  return events.map(event => {
    if (event.T === 'n') throw new Error('news has no symbol to go by')
    const name = `${channelOfType[event.T]}/${event.S}`
    const item = items.get(name) ?? items.size
    items.set(name, item)
    const hash = murmur2(Buffer.from(event.S)) & 0x7fffffff
    const partition = (hash % partitionsEach) + (event.T === 'q' ? partitionsEach : 0)
    const offset = offsets[partition] ?? 0
    offsets[partition] = offset + 1
    return { event, item, partition, offset, timeMs: Date.parse(event.t) }
  })
}

/** The frames of a receiver who wants some events: each alone, or those of so many milliseconds together. */
export function batchesOf(
  events: readonly PlacedEvent[],
  batchMs: number,
  isWanted: (placed: PlacedEvent) => boolean,
): Batch[] {
  const covered = new Map<number, number>()
  const reached = new Map<number, number>()
  const batches: Batch[] = []
  let wanted: PlacedEvent[] = []
  let endMs = Number.NEGATIVE_INFINITY
  const flush = (): void => {
    if (wanted.length > 0) batches.push({ events: wanted, ranges: rangesOf(wanted, covered, reached) })
    wanted = []
  }
  for (const one of events) {
    if (batchMs === 0 || one.timeMs >= endMs) {
      flush()
      endMs = one.timeMs + batchMs
    }
    reached.set(one.partition, one.offset + 1)
    if (isWanted(one)) wanted.push(one)
  }
  flush()
  return batches
}

function rangesOf(
  events: readonly PlacedEvent[],
  covered: Map<number, number>,
  reached: ReadonlyMap<number, number>,
): Batch['ranges'] {
  const counts = new Map<number, number>()
  for (const { partition } of events) counts.set(partition, (counts.get(partition) ?? 0) + 1)
  const numbers = [...counts.keys()]
  const from = numbers.map(number => covered.get(number) ?? 0)
  const to = numbers.map(number => reached.get(number) ?? 0)
  for (const [place, number] of numbers.entries()) covered.set(number, to[place] ?? 0)
  return { count: numbers.length, numbers, from, to, events: [...counts.values()] }
}
