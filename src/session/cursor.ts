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

/**
 * Reads a cursor (`PROTOCOL.md` §8): the partitions of an acknowledgement with the positions that the client has reached since. Of a
 * partition that is there twice what comes later holds. It grants nothing: what is delivered from it is what the token allows, as far
 * back as the operator allows.
 */
export function parseCursor(cursor: unknown): CursorResult {
  if (!isRecord(cursor)) return { fault: 'expected an object such as {"version":1,"partitions":[…]}' }
  if (cursor['version'] !== 1) return { fault: 'version: expected 1' }
  const { partitions } = cursor
  if (!Array.isArray(partitions)) return { fault: 'partitions: expected an array, as acknowledged' }
  const positions = new Map<string, CursorPosition>()
  for (const [index, entry] of partitions.entries()) {
    const run = parseRun(entry)
    if (run === undefined) {
      return {
        fault: `partitions[${index}]: expected {"topic","epoch","partition","positions"} as acknowledged`,
      }
    }
    for (const position of run) positions.set(`${position.topic}/${position.partition}`, position)
  }
  const { size } = positions
  if (size > mostPartitions) return { fault: `partitions: ${size}; at most ${mostPartitions}` }
  return { positions: [...positions.values()] }
}

function parseRun(entry: unknown): readonly CursorPosition[] | undefined {
  if (!isRecord(entry)) return undefined
  const { topic, epoch, partition = 0, positions } = entry
  if (!isName(topic) || !isName(epoch) || !isCount(partition) || typeof positions !== 'string')
    return undefined
  return readPositions(positions)?.flatMap((position, index) =>
    position === undefined ? [] : [{ topic, partition: partition + index, epoch, position }],
  )
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
