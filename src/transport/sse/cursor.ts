import { type PartitionPosition, writePosition } from '../../protocol/positions.ts'
import { eventIdVersion, maxEventIdBytes, writeTopic } from './event-id.ts'

/** Room in an id for each position to grow by two digits, which takes more than a thousand times as long. */
const roomPerPosition = 2

/** A topic of one epoch, whose partitions lie side by side in the lists of a cursor. */
interface Topic {
  readonly topic: string
  /** Its beginning in an id. */
  readonly head: string
  /** Where its partition 0 lies. */
  readonly start: number
  readonly partitions: number
}

/** Where a cursor has its partitions. Cursors share it. */
interface Layout {
  readonly topics: readonly Topic[]
  /** By the numbers of partitions. */
  readonly slots: readonly (number | undefined)[]
}

/**
 * The positions that a client has reached. It never changes, so that clients at the same positions share it.
 */
export interface Cursor {
  readonly layout: Layout
  /** -1 where a position is not known. */
  readonly reached: readonly number[]
  /** The same as texts. */
  readonly texts: readonly string[]
  /** `undefined` if it would be too long. */
  readonly id: string | undefined
}

/** Moves positions forward. The cursor that it begins with stays as it is. */
export class CursorAdvance {
  readonly #from: Cursor
  #reached: number[] | undefined
  #texts: string[] = []

  constructor(from: Cursor) {
    this.#from = from
  }

  move(number: number, position: number): void {
    const { layout, reached, texts } = this.#from
    const slot = layout.slots[number]
    if (slot === undefined) return
    const former = (this.#reached ?? reached)[slot] ?? -1
    // Below 0: the partition has another number by now.
    if (former < 0 || position <= former) return
    if (this.#reached === undefined) {
      this.#reached = reached.slice()
      this.#texts = texts.slice()
    }
    this.#reached[slot] = position
    this.#texts[slot] = writePosition(position)
  }

  /** Returns the cursor that it began with if nothing has moved. */
  end(): Cursor {
    if (this.#reached === undefined) return this.#from
    return createCursor(this.#from.layout, this.#reached, this.#texts)
  }
}

/** Returns the cursor of a client that knows nothing but these positions. */
export function beginCursor(positions: readonly PartitionPosition[]): Cursor {
  const cursor = learnPositions(undefined, positions)
  const room = roomPerPosition * positions.length
  const isTooLong = cursor.id === undefined || cursor.id.length + room > maxEventIdBytes
  return isTooLong ? { ...cursor, id: undefined } : cursor
}

interface TopicDraft {
  readonly topic: string
  /** By partition. */
  readonly reached: number[]
}

/** Partitions have these numbers and positions; the client forgets other epochs of them. */
export function learnPositions(from: Cursor | undefined, positions: readonly PartitionPosition[]): Cursor {
  const topics = new Map<string, TopicDraft>()
  const places: [head: string, partition: number][] = []
  for (const { topic, head, start, partitions } of from?.layout.topics ?? []) {
    topics.set(head, { topic, reached: from?.reached.slice(start, start + partitions) ?? [] })
    from?.layout.slots.forEach((slot, number) => {
      if (slot === undefined || slot < start || slot >= start + partitions) return
      places[number] = [head, slot - start]
    })
  }
  for (const { partition, epoch, number, offset } of positions) {
    const head = writeTopic(partition.topic, epoch)
    const draft = topics.get(head) ?? { topic: partition.topic, reached: [] }
    topics.set(head, draft)
    for (const { topic, reached } of topics.values()) {
      if (topic === partition.topic && partition.partition < reached.length) reached[partition.partition] = -1
    }
    while (draft.reached.length < partition.partition) draft.reached.push(-1)
    draft.reached[partition.partition] = offset
    places[number] = [head, partition.partition]
  }
  return layOut(topics, places)
}

function layOut(
  drafts: ReadonlyMap<string, TopicDraft>,
  places: readonly (readonly [head: string, partition: number] | undefined)[],
): Cursor {
  const topics: Topic[] = []
  const starts = new Map<string, number>()
  const positions: number[] = []
  for (const [head, { topic, reached }] of drafts) {
    starts.set(head, positions.length)
    topics.push({ topic, head, start: positions.length, partitions: reached.length })
    positions.push(...reached)
  }
  const slots = Array.from(places, place =>
    place === undefined ? undefined : (starts.get(place[0]) ?? 0) + place[1],
  )
  const texts = positions.map(position => (position < 0 ? '' : writePosition(position)))
  return createCursor({ topics, slots }, positions, texts)
}

function createCursor(layout: Layout, reached: readonly number[], texts: readonly string[]): Cursor {
  let id: string = eventIdVersion
  for (const { head, start, partitions } of layout.topics) {
    const isAll = partitions === texts.length
    const positions = (isAll ? texts : texts.slice(start, start + partitions)).join()
    // Otherwise nothing but commas.
    if (positions.length >= partitions) id += head + positions
  }
  return { layout, reached, texts, id: id.length > maxEventIdBytes ? undefined : id }
}

/** Returns a cursor as the one given, with as much as possible of another one. */
export function shareCursor(cursor: Cursor, other: Cursor | undefined): Cursor {
  if (other === undefined || !isSameLayout(cursor.layout, other.layout)) return cursor
  if (cursor.id !== undefined && cursor.id === other.id) return other
  return cursor.layout === other.layout ? cursor : { ...cursor, layout: other.layout }
}

function isSameLayout(one: Layout, other: Layout): boolean {
  if (one === other) return true
  return (
    one.slots.length === other.slots.length &&
    one.topics.length === other.topics.length &&
    one.slots.every((slot, number) => slot === other.slots[number]) &&
    one.topics.every(({ head, partitions }, index) => {
      const same = other.topics[index]
      return same?.head === head && same.partitions === partitions
    })
  )
}
