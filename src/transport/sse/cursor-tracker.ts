import type { MovedPositions, PartitionPosition } from '../../protocol/positions.ts'
import type { ServerMessage } from '../../protocol/server-message.ts'
import type { Payload } from '../../wire/payload.ts'
import type { CoverageReader } from './coverage-reader.ts'
import { eventIdVersion, maxEventIdBytes, writeTopic } from './event-id.ts'

/** To the base of 36, as cursors have it. */
const radix = 36
/** Room in an id for each position to grow by two digits, which takes more than a thousand times as long. */
const roomPerPosition = 2

/** A topic of one epoch, with the positions that the client has reached in it. */
interface Topic {
  readonly topic: string
  /** Its beginning in an id. */
  readonly head: string
  /** By partition; -1 where it is not known. */
  readonly reached: number[]
  /** The same as texts. */
  readonly texts: string[]
}

interface Place {
  readonly topic: Topic
  readonly partition: number
}

/**
 * Keeps what a client that follows `PROTOCOL.md` §8 would keep, and writes it as the id of events: the client
 * brings it back in `Last-Event-ID`.
 */
export class CursorTracker {
  readonly #coverage: CoverageReader
  #topics = new Map<string, Topic>()
  /** By the numbers of partitions. */
  #places: (Place | undefined)[] = []
  #isTooLong = false

  constructor(coverage: CoverageReader) {
    this.#coverage = coverage
  }

  /** Whether the client has more partitions than an id has room for; it gets no ids then. */
  get isTooLong(): boolean {
    return this.#isTooLong
  }

  /** Moves the client's positions by what it is sent. Returns the id of the event if they have moved. */
  follow(payload: Payload): string | undefined {
    const { message } = payload
    const hasMoved = message === undefined ? this.#cover(payload) : this.#note(message)
    return hasMoved ? this.#write() : undefined
  }

  #cover(payload: Payload): boolean {
    const ranges = this.#coverage.read(payload)
    let hasMoved = false
    for (let at = 0; at + 2 < ranges.length; at += 3) {
      if (this.#advance(ranges[at] ?? 0, ranges[at + 2] ?? 0)) hasMoved = true
    }
    return hasMoved
  }

  #note(message: ServerMessage): boolean {
    switch (message.kind) {
      case 'subscription':
        if ('moved' in message.positions) return this.#advanceAll(message.positions.moved)
        this.#begin(message.positions.all)
        return true
      case 'partitions':
        for (const position of message.partitions) this.#learn(position)
        return true
      case 'coverage':
        return this.#advanceAll(message.ranges.map(({ number, to }) => [number, to]))
      case 'heartbeat':
      case 'shutdown':
        return this.#advanceAll(message.positions ?? [])
      case 'connected':
      case 'authenticated':
      case 'resumed':
      case 'lost':
      case 'replaced':
      case 'slow':
      case 'expiring':
      case 'error':
      case 'closing':
      case 'noEventIds':
      default:
        return false
    }
  }

  #begin(positions: readonly PartitionPosition[]): void {
    this.#topics = new Map()
    this.#places = []
    for (const position of positions) this.#learn(position)
    const length = (this.#write() ?? '').length + roomPerPosition * positions.length
    if (length > maxEventIdBytes) this.#isTooLong = true
  }

  /** A partition has this number, and the client is here in it; it forgets other epochs of the partition. */
  #learn({ partition: { topic: name, partition }, epoch, number, offset }: PartitionPosition): void {
    const head = writeTopic(name, epoch)
    let topic = this.#topics.get(head)
    if (topic === undefined) {
      topic = { topic: name, head, reached: [], texts: [] }
      this.#topics.set(head, topic)
    }
    for (const former of this.#topics.values()) if (former.topic === name) set(former, partition, -1)
    set(topic, partition, offset)
    this.#places[number] = { topic, partition }
  }

  #advanceAll(positions: MovedPositions): boolean {
    let hasMoved = false
    for (const [number, position] of positions) if (this.#advance(number, position)) hasMoved = true
    return hasMoved
  }

  #advance(number: number, position: number): boolean {
    const place = this.#places[number]
    if (place === undefined) return false
    const reached = place.topic.reached[place.partition] ?? -1
    // Below 0: the partition has another number by now.
    if (reached < 0 || position <= reached) return false
    set(place.topic, place.partition, position)
    return true
  }

  #write(): string | undefined {
    if (this.#isTooLong) return undefined
    let id: string = eventIdVersion
    for (const { head, reached, texts } of this.#topics.values()) {
      if (reached.some(position => position >= 0)) id += head + texts.join()
    }
    if (id.length <= maxEventIdBytes) return id
    this.#isTooLong = true
    return undefined
  }
}

function set({ reached, texts }: Topic, partition: number, position: number): void {
  while (reached.length < partition) {
    reached.push(-1)
    texts.push('')
  }
  if (position < 0 && reached.length === partition) return
  reached[partition] = position
  texts[partition] = position < 0 ? '' : position.toString(radix)
}
