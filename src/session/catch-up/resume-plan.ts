import { setTimeout as pause } from 'node:timers/promises'
import type { Grant } from '../../auth/grant.ts'
import type { Feed, NumberedPosition } from '../../feed/feed.ts'
import type { History } from '../../history/history.ts'
import type { CursorPosition } from '../../protocol/cursor.ts'
import type { OffsetRange } from './window-read.ts'

/** From where a reader goes on, and what it cannot get any more. */
export interface ResumePlan {
  readonly starts: readonly NumberedPosition[]
  readonly lost: readonly OffsetRange[]
  /** Whether everything since the cursor will come, as far as is known before the log is read. */
  readonly isWhole: boolean
}

/** A cursor that no node could have told, in words for its client. */
export interface CursorFault {
  readonly fault: string
}

export interface ResumeRequest {
  readonly feed: Feed
  readonly history: History
  readonly cursor: readonly CursorPosition[]
  readonly grant: Grant
  readonly signal: AbortSignal
  /** How often it is looked for partitions that the node has not found; 500 times, every 20 ms, if left out. */
  readonly mostLooks?: number
}

/** Nodes look for new partitions every 3 s, so one that another node has told is found well within 10 s. */
const defaultMostLooks = 500
const lookPauseMs = 20

/** What is wrong with a cursor whose topics this node does not read: it could neither deliver what was missed there nor tell its extent. */
export function unknownTopicFault(feed: Feed, cursor: readonly CursorPosition[]): string | undefined {
  const known = new Set(feed.positions.map(({ partition }) => partition.topic))
  const unknown = cursor.find(({ topic }) => !known.has(topic))
  if (unknown === undefined) return undefined
  return `cursor: topic ${unknown.topic}: this node does not read it, but ${[...known].join(', ')}`
}

/**
 * Returns where a reader with this cursor begins in each partition that there is now, and which offsets it cannot get. In a partition
 * that the cursor does not name, and in one whose topic was made again, it has had nothing. Waits for partitions that the cursor names
 * and this node has not found yet. Rejects when the log does not answer.
 */
export async function planResume(request: ResumeRequest): Promise<ResumePlan | CursorFault> {
  const { feed, history, cursor, grant } = request
  const missing = await awaitPartitions(request)
  if (missing !== undefined) {
    return { fault: `cursor: ${nameOf(missing)}: the topic has no such partition` }
  }
  const known = new Map(cursor.map(position => [nameOf(position), position]))
  const mayGoBack = grant.scopes.has('history')
  const { positions } = feed
  const plans = await Promise.all(
    positions.map(position =>
      planPartition(position, { feed, history, mayGoBack, brought: known.get(nameOf(position.partition)) }),
    ),
  )
  // Its client heeds no numbers before it is told these, so they have to be those of now.
  if (numbersOf(feed.positions) !== numbersOf(positions)) return planResume(request)
  const found = new Set(positions.map(({ partition }) => nameOf(partition)))
  return {
    starts: plans.map(({ start }) => start),
    lost: plans.flatMap(({ lost }) => lost ?? []),
    // A partition that is gone was one of a topic that was made again with fewer.
    isWhole: plans.every(({ isWhole }) => isWhole) && [...known.keys()].every(name => found.has(name)),
  }
}

/** Waits until this node has found the partitions of the cursor; returns one that does not exist. */
async function awaitPartitions({
  feed,
  cursor,
  signal,
  mostLooks = defaultMostLooks,
}: ResumeRequest): Promise<CursorPosition | undefined> {
  for (let looks = 0; ; looks++) {
    const missing = missingPartition(feed, cursor)
    if (missing === undefined || looks === mostLooks) return missing
    await pause(lookPauseMs, undefined, { signal })
  }
}

/** The first partition of a cursor that this node has not found, though it reads the same incarnation of the topic. */
function missingPartition(feed: Feed, cursor: readonly CursorPosition[]): CursorPosition | undefined {
  const epochs = new Map<string, string>()
  const found = new Set<string>()
  for (const { partition, epoch } of feed.positions) {
    epochs.set(partition.topic, epoch)
    found.add(nameOf(partition))
  }
  return cursor.find(
    position => epochs.get(position.topic) === position.epoch && !found.has(nameOf(position)),
  )
}

function nameOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`
}

function numbersOf(positions: readonly NumberedPosition[]): string {
  return positions.map(({ number }) => number).join()
}

interface Situation {
  readonly feed: Feed
  readonly history: History
  readonly mayGoBack: boolean
  /** Where the reader was; `undefined` in a partition that it does not know. */
  readonly brought: CursorPosition | undefined
}

interface PartitionPlan {
  readonly start: NumberedPosition
  readonly lost?: OffsetRange
  readonly isWhole: boolean
}

async function planPartition(
  position: NumberedPosition,
  { feed, history, mayGoBack, brought }: Situation,
): Promise<PartitionPlan> {
  const { partition, number, epoch, offset } = position
  const { first, recent } = await history.reach(partition)
  const oldest = mayGoBack ? first : Math.min(recent, feed.window.at(number)?.from ?? recent)
  const isSame = brought?.epoch === epoch
  const from = isSame ? brought.position : 0
  if (from < oldest) {
    return { start: { ...position, offset: oldest }, lost: { number, from, to: oldest }, isWhole: false }
  }
  // Another node may be further than this one. A log that was cut back ends before the position; what is written there next is new.
  const end = from <= offset ? offset : Math.max(offset, await history.end(partition))
  const isWhole = from <= end && (brought === undefined || isSame)
  return { start: { ...position, offset: Math.min(from, end) }, isWhole }
}
