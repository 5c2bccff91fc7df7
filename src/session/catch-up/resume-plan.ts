import { setTimeout as pause } from 'node:timers/promises'
import type { Grant } from '../../auth/grant.ts'
import type { Feed, NumberedPosition } from '../../feed/feed.ts'
import type { History } from '../../history/history.ts'
import type { CursorPosition, OffsetRange } from '../../protocol/positions.ts'

/** Where a resuming reader begins, and which offsets it cannot get any more. */
export interface ResumePlan {
  readonly starts: readonly NumberedPosition[]
  readonly lost: readonly OffsetRange[]
  /** Whether everything since the cursor will be delivered, as far as is known before the log is read. */
  readonly isWhole: boolean
}

/** Says, for the client, why no node can have issued the cursor. */
export interface CursorFault {
  readonly fault: string
}

export interface ResumeRequest {
  readonly feed: Feed
  readonly history: History
  readonly cursor: readonly CursorPosition[]
  readonly grant: Grant
  readonly signal: AbortSignal
  /** How often to look for partitions that this node has not found, every 20 ms; 500 times if left out. */
  readonly maxLooks?: number
}

/**
 * Nodes look for new partitions every 3 s, so one that another node has found is found here well within 10 s.
 */
const defaultMaxLooks = 500
const lookPauseMs = 20

/**
 * Returns what is wrong with a cursor that names a topic which this node does not read: the node could
 * neither deliver what was missed there nor say how much that is.
 */
export function unknownTopicFault(feed: Feed, cursor: readonly CursorPosition[]): string | undefined {
  const known = new Set(feed.positions.map(({ partition }) => partition.topic))
  const unknown = cursor.find(({ topic }) => !known.has(topic))
  if (unknown === undefined) return undefined
  return `cursor: topic ${unknown.topic}: this node does not read it, but ${[...known].join(', ')}`
}

/**
 * Returns where a reader with this cursor begins in each partition that there is now, and which offsets it
 * cannot get. The reader has had nothing of a partition that the cursor does not name, or whose topic was
 * recreated. Waits for partitions that the cursor names and this node has not found yet. Rejects when the
 * log does not answer.
 */
export async function planResume(request: ResumeRequest): Promise<ResumePlan | CursorFault> {
  const { feed, history, cursor, grant } = request
  const missing = await awaitPartitions(request)
  if (missing !== undefined) {
    return { fault: `cursor: ${nameOf(missing)}: the topic has no such partition` }
  }
  const byName = new Map(cursor.map(position => [nameOf(position), position]))
  const mayGoBack = grant.scopes.has('history')
  const { positions } = feed
  const plans = await Promise.all(
    positions.map(position =>
      planPartition(position, { feed, history, mayGoBack, known: byName.get(nameOf(position.partition)) }),
    ),
  )
  // The client learns the numbers of partitions by this plan, so it has to hold those of now.
  if (numbersOf(feed.positions) !== numbersOf(positions)) return planResume(request)
  const found = new Set(positions.map(({ partition }) => nameOf(partition)))
  return {
    starts: plans.map(({ start }) => start),
    lost: plans.flatMap(({ lost }) => lost ?? []),
    // A partition that is gone was one of a topic that was recreated with fewer.
    isWhole: plans.every(({ isWhole }) => isWhole) && [...byName.keys()].every(name => found.has(name)),
  }
}

/** Waits until this node has found the partitions of the cursor. Returns one that does not exist. */
async function awaitPartitions({
  feed,
  cursor,
  signal,
  maxLooks = defaultMaxLooks,
}: ResumeRequest): Promise<CursorPosition | undefined> {
  for (let looks = 0; ; looks++) {
    const missing = missingPartition(feed, cursor)
    if (missing === undefined || looks === maxLooks) return missing
    await pause(lookPauseMs, undefined, { signal })
  }
}

/**
 * Returns a partition of the cursor that this node has not found, though it reads the same incarnation of the
 * topic.
 */
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

interface PartitionRequest {
  readonly feed: Feed
  readonly history: History
  readonly mayGoBack: boolean
  /** Where the client was; `undefined` in a partition that its cursor does not name. */
  readonly known: CursorPosition | undefined
}

interface PartitionPlan {
  readonly start: NumberedPosition
  readonly lost?: OffsetRange
  readonly isWhole: boolean
}

async function planPartition(
  position: NumberedPosition,
  { feed, history, mayGoBack, known }: PartitionRequest,
): Promise<PartitionPlan> {
  const { partition, number, epoch, offset } = position
  const { first, recent } = await history.readableRange(partition)
  const oldest = mayGoBack ? first : Math.min(recent, feed.window.at(number)?.from ?? recent)
  const isSame = known?.epoch === epoch
  const from = isSame ? known.position : 0
  if (from < oldest) {
    return { start: { ...position, offset: oldest }, lost: { number, from, to: oldest }, isWhole: false }
  }
  // Another node may be ahead of this one. A log that was cut back ends before the position; what is written
  // there next is new.
  const end = from <= offset ? offset : Math.max(offset, await history.end(partition))
  const isWhole = from <= end && (known === undefined || isSame)
  return { start: { ...position, offset: Math.min(from, end) }, isWhole }
}
