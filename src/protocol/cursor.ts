import type { NumberedPosition } from '../feed/feed.ts'

/** The next position of a partition, as a client brings it back. */
export interface CursorPosition {
  readonly topic: string
  readonly partition: number
  readonly epoch: string
  readonly position: number
}

/** From where a client wants to go on, or what is wrong with what it brought. */
type CursorResult = { readonly positions: readonly CursorPosition[] } | { readonly fault: string }

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

/** The radix of positions in texts: of 5,000 partitions they take 35 kB as a rule, and 60 kB at most. */
const radix = 36
const longestPosition = Number.MAX_SAFE_INTEGER.toString(radix).length

/** Partitions of a topic that follow each other, with numbers that follow each other, as clients are told of them (`PROTOCOL.md` §8). */
interface PartitionRun {
  readonly topic: string
  readonly epoch: string
  /** The first one. */
  readonly partition: number
  /** Its number. */
  readonly number: number
  /** The next offset of each, to the base of 36, with commas between. */
  readonly positions: string
}

/** Partitions as clients are told of them, in as few runs as their order makes. */
export function runsOf(positions: readonly NumberedPosition[]): PartitionRun[] {
  const runs: { first: NumberedPosition; offsets: number[] }[] = []
  for (const position of positions) {
    const last = runs.at(-1)
    if (last !== undefined && follows(position, last.first, last.offsets.length))
      last.offsets.push(position.offset)
    else runs.push({ first: position, offsets: [position.offset] })
  }
  return runs.map(({ first: { partition, epoch, number }, offsets }) => ({
    topic: partition.topic,
    epoch,
    partition: partition.partition,
    number,
    positions: offsets.map(offset => offset.toString(radix)).join(),
  }))
}

function follows(next: NumberedPosition, first: NumberedPosition, distance: number): boolean {
  return (
    next.number === first.number + distance &&
    next.partition.partition === first.partition.partition + distance &&
    next.partition.topic === first.partition.topic &&
    next.epoch === first.epoch
  )
}

/** Reads the positions of a run, `undefined` where one is left out; `undefined` for a text that holds none. */
function readPositions(text: string): readonly (number | undefined)[] | undefined {
  const positions: (number | undefined)[] = []
  for (const digits of text.split(',')) {
    const position = digits === '' ? undefined : Number.parseInt(digits, radix)
    const isSound = digits.length <= longestPosition && /^[0-9a-z]*$/.test(digits)
    if (!isSound || (position !== undefined && !Number.isSafeInteger(position))) return undefined
    positions.push(position)
  }
  return positions
}
