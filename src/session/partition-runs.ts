import type { NumberedPosition } from '../fanout/feed.ts'

/** The radix of positions in texts: of 5,000 partitions they take 35 kB as a rule, and 60 kB at most. */
const radix = 36
const longestPosition = Number.MAX_SAFE_INTEGER.toString(radix).length

/** Partitions of a topic that follow each other, with numbers that follow each other, as clients are told of them (`PROTOCOL.md` §8). */
export interface PartitionRun {
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
export function readPositions(text: string): readonly (number | undefined)[] | undefined {
  const positions: (number | undefined)[] = []
  for (const digits of text.split(',')) {
    const position = digits === '' ? undefined : Number.parseInt(digits, radix)
    const isSound = digits.length <= longestPosition && /^[0-9a-z]*$/.test(digits)
    if (!isSound || (position !== undefined && !Number.isSafeInteger(position))) return undefined
    positions.push(position)
  }
  return positions
}
