import type { Grant } from '../auth/grant.ts'
import type { Feed, NumberedPosition } from '../fanout/feed.ts'
import type { History } from '../fanout/history.ts'
import type { CursorPosition } from './cursor.ts'
import type { Extent } from './excerpts.ts'

/** From where a reader goes on, and what it cannot get any more. */
export interface ResumePlan {
  readonly starts: readonly NumberedPosition[]
  readonly lost: readonly Extent[]
  /** Whether everything since the cursor will come. */
  readonly isWhole: boolean
}

export interface ResumeRequest {
  readonly feed: Feed
  readonly history: History
  readonly cursor: readonly CursorPosition[]
  readonly grant: Grant
}

/**
 * Where a reader with this cursor begins in each partition that there is now: where it was, or as far back as it may. A partition that
 * it does not know, or whose topic was made again, it reads from the first offset. Rejects when the log does not answer.
 */
export async function planResume(request: ResumeRequest): Promise<ResumePlan> {
  const { feed, history, cursor, grant } = request
  const known = new Map(cursor.map(position => [`${position.topic}/${position.partition}`, position]))
  const mayGoBack = grant.scopes.has('history')
  const positions = feed.positions()
  const plans = await Promise.all(
    positions.map(position => {
      const { topic, partition } = position.partition
      return planPartition(position, { history, mayGoBack, brought: known.get(`${topic}/${partition}`) })
    }),
  )
  // Its client heeds no numbers before it is told these, so they have to be those of now.
  if (numbersOf(feed.positions()) !== numbersOf(positions)) return planResume(request)
  return {
    starts: plans.map(({ start }) => start),
    lost: plans.flatMap(({ lost }) => lost ?? []),
    isWhole: plans.every(({ isWhole }) => isWhole),
  }
}

function numbersOf(positions: readonly NumberedPosition[]): string {
  return positions.map(({ number }) => number).join()
}

interface Situation {
  readonly history: History
  readonly mayGoBack: boolean
  /** Where the reader was; `undefined` in a partition that it does not know. */
  readonly brought: CursorPosition | undefined
}

interface PartitionPlan {
  readonly start: NumberedPosition
  readonly lost?: Extent
  readonly isWhole: boolean
}

async function planPartition(
  position: NumberedPosition,
  { history, mayGoBack, brought }: Situation,
): Promise<PartitionPlan> {
  const { partition, number, epoch, offset } = position
  const { first, recent } = await history.reach(partition)
  const oldest = mayGoBack ? first : recent
  if (brought?.epoch !== epoch) {
    return { start: { ...position, offset: Math.min(oldest, offset) }, isWhole: brought === undefined }
  }
  const from = brought.position
  if (from < oldest) {
    return { start: { ...position, offset: oldest }, lost: { number, from, to: oldest }, isWhole: false }
  }
  // Another node may be further than this one. A log that was cut back ends before the position; what is written there next is new.
  const end = from <= offset ? offset : Math.max(offset, await history.end(partition))
  return { start: { ...position, offset: Math.min(from, end) }, isWhole: from <= end }
}
