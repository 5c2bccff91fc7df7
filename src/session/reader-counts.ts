import { type Channel, channels } from '../event/event.ts'
import type { CatchUpCounts } from './catch-up.ts'

/**
 * Why a reader is behind: it goes on from a cursor, its connection takes nothing, its client does not acknowledge, or it is being told
 * what its form has to know of many items first, or the node has let go of an item of which it was still to be told at an interval.
 */
export const behindCauses = ['resume', 'unsent', 'unacknowledged', 'preparing', 'forgotten'] as const
export type BehindCause = (typeof behindCauses)[number]

/** How a reader came to be live: after how long, and how many lossless events. */
export interface CaughtUp {
  readonly cause: BehindCause
  readonly ms: number
  readonly events: number
}

/** What readers that are behind do, on this node. */
export interface ReaderCounts {
  /** Readers that are behind now. */
  readonly behind: Record<BehindCause, number>
  /** How often one began to be, since start. */
  readonly begun: Record<BehindCause, number>
  /** Lossless events that they were given since start. */
  readonly caughtUp: CatchUpCounts
  /** Events that they were not given since newer ones replaced them, since start. */
  readonly replaced: Record<Channel, number>
  /** Offsets that readers were told are lost to them, since start. */
  lostOffsets: number
  /** Told when one is live again. */
  onCaughtUp: (caughtUp: CaughtUp) => void
}

export function createReaderCounts(): ReaderCounts {
  return {
    behind: { resume: 0, unsent: 0, unacknowledged: 0, preparing: 0, forgotten: 0 },
    begun: { resume: 0, unsent: 0, unacknowledged: 0, preparing: 0, forgotten: 0 },
    caughtUp: { memory: 0, log: 0 },
    replaced: Object.fromEntries(channels.map(channel => [channel, 0])) as Record<Channel, number>,
    lostOffsets: 0,
    onCaughtUp: () => undefined,
  }
}
