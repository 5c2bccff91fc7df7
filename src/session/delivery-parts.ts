import type { History } from '../fanout/history.ts'
import type { ResumeLimits } from '../limits/resume-limits.ts'
import type { Block } from '../wire/block.ts'
import type { WireForm } from '../wire/wire-form.ts'
import type { RequestFault } from './error-message.ts'
import type { ReaderCounts } from './reader-counts.ts'
import type { ReaderTurns } from './reader-turns.ts'
import type { SessionParts } from './session-parts.ts'

/** To whom is delivered: a session, which may end by whatever it takes. */
export interface Recipient {
  readonly form: WireForm
  /** Takes a frame. */
  write(block: Block): void
  /** Tells the client something. */
  send(message: object): void
  /** Tells the client what was wrong with a request of its. */
  tell(fault: RequestFault): void
  /** Ends the session by a fault that is not its client's. */
  fail(error: unknown): void
  /** Ends the session, for which there is no place. */
  refuse(fault: Omit<RequestFault, 'code'>): void
}

/** What all deliveries of a node have in common. */
export type DeliveryParts = Pick<SessionParts, 'feed' | 'clock' | 'limits' | 'resuming'>

/** How readers come to what they have not had. */
export interface Resuming {
  readonly history: History
  readonly turns: ReaderTurns
  /** What each user may use of the log. */
  readonly limits: ResumeLimits
  /** Whether the node is short of memory, and lets nobody resume. */
  readonly isShort: () => boolean
  readonly counts: ResumeCounts
  readonly readers: ReaderCounts
}

/** Resumes since start. */
export interface ResumeCounts {
  /** Everything that was missed was there. */
  whole: number
  /** Something was not: too old, or gone. */
  partial: number
  /** The log could not be read. */
  failed: number
  /** The node was short of memory. */
  refused: number
}
