import { readPositions } from './partition-runs.ts'

/** The next position of a partition, as a client brings it back. */
export interface CursorPosition {
  readonly topic: string
  readonly partition: number
  readonly epoch: string
  readonly position: number
}

/** From where a client wants to go on, or what is wrong with what it brought. */
export type CursorResult = { readonly positions: readonly CursorPosition[] } | { readonly fault: string }

const mostPartitions = 10_000
const longestName = 249

/** What a cursor says of one topic. */
interface TopicPositions {
  readonly topic: string
  readonly epoch: string
  readonly positions: Map<number, number>
}

/**
 * Reads a cursor (`PROTOCOL.md` §8): the partitions of an acknowledgement with the positions that the client has reached since. What
 * comes later holds: of a partition that is there twice, and of a topic with two epochs. It grants nothing: what is delivered from it is
 * what the token allows, as far back as the operator allows.
 */
export function parseCursor(cursor: unknown): CursorResult {
  if (!isRecord(cursor)) return { fault: 'expected an object such as {"version":1,"partitions":[…]}' }
  if (cursor['version'] !== 1) return { fault: 'version: expected 1' }
  const { partitions } = cursor
  const topics = new Map<string, TopicPositions>()
  let count = 0
  if (!Array.isArray(partitions)) return { fault: 'partitions: expected an array, as acknowledged' }
  for (const [index, entry] of partitions.entries()) {
    const run = parseRun(entry)
    if (run === undefined) {
      return {
        fault: `partitions[${index}]: expected {"topic","epoch","partition","positions"} as acknowledged`,
      }
    }
    count += run.positions.size
    const known = topics.get(run.topic)
    if (known?.epoch !== run.epoch) topics.set(run.topic, run)
    else for (const [partition, position] of run.positions) known.positions.set(partition, position)
  }
  if (count > mostPartitions) return { fault: `partitions: ${count}; at most ${mostPartitions}` }
  return {
    positions: [...topics.values()].flatMap(({ topic, epoch, positions }) =>
      [...positions].map(([partition, position]) => ({ topic, partition, epoch, position })),
    ),
  }
}

function parseRun(entry: unknown): TopicPositions | undefined {
  if (!isRecord(entry)) return undefined
  const { topic, epoch, partition = 0, positions } = entry
  if (!isName(topic) || !isName(epoch) || !isCount(partition) || typeof positions !== 'string')
    return undefined
  const read = readPositions(positions)
  const known = read?.flatMap((position, index) =>
    position === undefined ? [] : [[partition + index, position] as const],
  )
  return known && { topic, epoch, positions: new Map(known) }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longestName
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
