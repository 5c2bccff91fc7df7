import type { StreamMessage } from './stream-message.ts'

/**
 * How far an incarnation of a topic was followed, by partition; without an entry where the gateway has not
 * reported one.
 */
interface TopicPositions {
  readonly topic: string
  readonly epoch: string
  readonly positions: (number | undefined)[]
}

/** The partition that a number stands for. */
interface PartitionOfTopic {
  readonly topic: TopicPositions
  readonly partition: number
}

/** The radix of positions in runs of partitions. */
const radix = 36

/** How far a stream was followed, so that another connection can resume there (`PROTOCOL.md` §8). */
export class StreamPositions {
  /**
   * By name and epoch, in the order reported. Of a recreated topic, the former epoch keeps the partitions
   * that were not reported again.
   */
  readonly #topics = new Map<string, TopicPositions>()
  readonly #places = new Map<number, PartitionOfTopic>()

  /** The cursor for the next subscription; empty before the first acknowledgement. */
  get cursor(): { readonly cursor?: object } {
    if (this.#topics.size === 0) return {}
    const partitions = [...this.#topics.values()].map(({ topic, epoch, positions }) => ({
      topic,
      epoch,
      positions: Array.from(positions, position => position?.toString(radix) ?? '').join(),
    }))
    return { cursor: { version: 1, partitions } }
  }

  /** Forgets all positions, because the gateway refused the cursor. */
  clear(): void {
    this.#topics.clear()
    this.#places.clear()
  }

  /** Records a message after everything before it has been processed. */
  record(message: StreamMessage): void {
    const { T: type, partitions, ranges, positions } = message
    if (type === 'subscription' && Array.isArray(partitions)) this.clear()
    if (type === 'subscription' || type === 'partitions')
      for (const run of arrayOf(partitions)) this.#addRun(run)
    if (type === 'coverage') for (const range of arrayOf(ranges)) this.#advance(range, 2)
    if (type === 'subscription' || type === 'heartbeat' || type === 'shutdown')
      for (const position of arrayOf(positions)) this.#advance(position, 1)
  }

  #addRun(run: unknown): void {
    if (!isRun(run)) return
    const { topic: name, epoch, partition, number, positions } = run
    const topic = this.#topics.get(`${name}/${epoch}`) ?? { topic: name, epoch, positions: [] }
    this.#topics.set(`${name}/${epoch}`, topic)
    for (const [index, digits] of positions.split(',').entries()) {
      const place = { topic, partition: partition + index }
      this.#places.set(number + index, place)
      for (const former of this.#topics.values())
        if (former.topic === name) former.positions[place.partition] = undefined
      topic.positions[place.partition] = Number.parseInt(digits, radix)
    }
  }

  /** `at` is the index of the position in the entry, whose first member is the partition's number. */
  #advance(entry: unknown, at: number): void {
    if (!Array.isArray(entry)) return
    const [number, position]: unknown[] = [entry[0], entry[at]]
    if (typeof number !== 'number' || typeof position !== 'number') return
    const place = this.#places.get(number)
    if (place === undefined) return
    const { positions } = place.topic
    positions[place.partition] = Math.max(positions[place.partition] ?? 0, position)
  }
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Consecutive partitions of a topic, as the gateway reports them. */
interface Run {
  readonly topic: string
  readonly epoch: string
  readonly partition: number
  readonly number: number
  readonly positions: string
}

function isRun(value: unknown): value is Run {
  if (typeof value !== 'object' || value === null) return false
  const run: Partial<Record<keyof Run, unknown>> = value
  return (
    typeof run.topic === 'string' &&
    typeof run.epoch === 'string' &&
    typeof run.positions === 'string' &&
    Number.isSafeInteger(run.partition) &&
    Number.isSafeInteger(run.number)
  )
}
