import * as v from 'valibot'
import { type CursorPosition, type PartitionPosition, parsePositions, writePosition } from '../positions.ts'

/** Where a client wants to go on, or what is wrong with its cursor. */
export type CursorResult = { readonly positions: readonly CursorPosition[] } | { readonly fault: string }

/**
 * Neighbouring partitions of a topic with neighbouring numbers, as clients are told of them (`PROTOCOL.md`
 * §8).
 */
export interface PartitionRun {
  readonly topic: string
  readonly epoch: string
  /** The first partition. */
  readonly partition: number
  /** The number of the first partition. */
  readonly number: number
  /** The next offset of each partition, to the base of 36, separated by commas. */
  readonly positions: string
}

const maxPartitions = 10_000
const maxNameLength = 249

const name = v.pipe(v.string(), v.nonEmpty(), v.maxLength(maxNameLength))

const partitionRun = v.object({
  topic: name,
  epoch: name,
  partition: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
  positions: v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const positions = parsePositions(dataset.value)
      if (positions !== undefined) return positions
      addIssue()
      return NEVER
    }),
  ),
})

const cursorSchema = v.object({ version: v.literal(1), partitions: v.array(partitionRun) })

/**
 * Reads a cursor (`PROTOCOL.md` §8): the partitions of an acknowledgement with the positions that the client
 * has reached since. If a partition is there twice, the later entry holds. A cursor grants nothing: what is
 * delivered from it is what the token allows, as far back as the operator allows.
 */
export function parseCursor(cursor: unknown): CursorResult {
  const parsed = v.safeParse(cursorSchema, cursor, { abortEarly: true })
  if (!parsed.success) return { fault: describeFault(v.getDotPath(parsed.issues[0])?.split('.')) }
  const found = new Map<string, CursorPosition>()
  for (const { topic, epoch, partition: first, positions } of parsed.output.partitions)
    for (const [index, position] of positions.entries()) {
      const partition = first + index
      if (position !== undefined) found.set(`${topic}/${partition}`, { topic, partition, epoch, position })
    }
  const { size } = found
  if (size > maxPartitions) return { fault: `partitions: ${size}; at most ${maxPartitions}` }
  return { positions: [...found.values()] }
}

/** The path leads to the part of the cursor that is wrong. */
function describeFault([field, index]: readonly string[] = []): string {
  if (field === undefined) return 'expected an object such as {"version":1,"partitions":[…]}'
  if (field === 'version') return 'version: expected 1'
  if (index === undefined) return 'partitions: expected an array, as acknowledged'
  return `partitions[${index}]: expected {"topic","epoch","partition","positions"} as acknowledged`
}

/** Returns partitions as clients are told of them, in as few runs as their order allows. */
export function runsOf(positions: readonly PartitionPosition[]): PartitionRun[] {
  const runs: { first: PartitionPosition; offsets: number[] }[] = []
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
    positions: offsets.map(writePosition).join(),
  }))
}

function follows(next: PartitionPosition, first: PartitionPosition, distance: number): boolean {
  return (
    next.number === first.number + distance &&
    next.partition.partition === first.partition.partition + distance &&
    next.partition.topic === first.partition.topic &&
    next.epoch === first.epoch
  )
}
