import type { Revocations } from '../auth/revocations.ts'
import type { Ledger } from '../limits/ledger.ts'

/** What a process is told that serves a node together with others, under a primary. */
export interface WorkerRole {
  /** The node's, which the primary keeps. */
  readonly ledger: Ledger
  /** The node's, as far as the primary has told. */
  readonly revocations: Revocations
  /** So that no other process of the node has a session of the same number. */
  readonly sessionNumbersAbove: number
  /** `when ready` where others serve meanwhile, whom clients are left to. */
  readonly listens: 'at once' | 'when ready'
}
