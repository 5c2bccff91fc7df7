import type { LimitsConfig } from '../config/config.ts'
import type { Feed } from '../fanout/feed.ts'
import { type GuardLog, MemoryGuard } from '../limits/memory-guard.ts'
import { memoryLimit, shareOfWorker } from '../limits/memory-limit.ts'
import type { Sessions } from '../session/sessions.ts'
import type { SharedHistory } from './shared-history.ts'

/** What a node can let go of. */
export interface Relievable {
  readonly feed: Feed
  readonly history: SharedHistory
  readonly sessions: Sessions
  readonly log: GuardLog
}

/** The guard of this process's memory, which has to be started. */
export function createMemoryGuard(
  limits: Pick<LimitsConfig, 'memoryLimitBytes' | 'memoryRefusePercent' | 'memoryShedPercent'> & {
    readonly workers: number
  },
  { feed, history, sessions, log }: Relievable,
): MemoryGuard {
  return new MemoryGuard({
    limitBytes: shareOfWorker(limits.memoryLimitBytes ?? memoryLimit(), limits.workers),
    refuseShare: limits.memoryRefusePercent / 100,
    shedShare: limits.memoryShedPercent / 100,
    window: feed.window,
    clear: () => history.clear(),
    relieve: wanted => sessions.relieve(wanted),
    log,
  })
}
