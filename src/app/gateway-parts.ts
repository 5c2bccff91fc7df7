import { type Revocations, withRevocations } from '../auth/revocations.ts'
import type { TokenKeys } from '../auth/token-keys.ts'
import { type TokenVerifier, createTokenVerifier, withRefusalLog } from '../auth/token-verifier.ts'
import type { Config, LimitsConfig } from '../config/config.ts'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import type { Feed } from '../feed/feed.ts'
import type { SharedHistory } from '../history/shared-history.ts'
import type { PublishEvents } from '../http/publish/publish-outcome.ts'
import { type GuardLog, MemoryGuard } from '../limits/memory-guard.ts'
import { memoryLimit, shareOfWorker } from '../limits/process-memory.ts'
import { appendFailureOf } from '../log/append-failure.ts'
import type { EventLog } from '../log/event-log.ts'
import type { Sessions } from '../session/sessions.ts'
import { maxHeaderTokenBytes } from '../transport/http-refusals.ts'

interface TokenCheckParts {
  readonly keys: TokenKeys
  readonly revocations: Revocations
  readonly log: WarnLog
}

/** Creates the check that every token goes through, wherever it comes in. A token may be as long as its header or message. */
export function createTokenCheck(
  { auth, limits }: Config,
  { keys, revocations, log }: TokenCheckParts,
): TokenVerifier {
  const longestTokenBytes = Math.max(limits.maxMessageBytes, maxHeaderTokenBytes)
  const verify = createTokenVerifier({ ...auth, keys: keys.find, keySet: keys.set, longestTokenBytes })
  return withRefusalLog(withRevocations(verify, revocations), log)
}

/** What a node can let go of. */
interface Relievable {
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
    clearCaches: () => history.clear(),
    endSessions: wanted => sessions.relieve(wanted),
    log,
  })
}

/** Appends to a log for those outside, who learn no more of a fault than whether an event may be there; the operator reads the rest. */
export function createAppendEvents(log: EventLog, logger: WarnLog): PublishEvents {
  const faultLog = new RateLimitedLog(logger)
  return async events => {
    const results = await log.append(events)
    const errors = results.flatMap(result => ('error' in result ? [result.error] : []))
    const [first] = errors
    if (first !== undefined) {
      faultLog.warn(
        { error: first.message, events: errors.length },
        'events of POST /v1/events were not appended',
      )
    }
    return results.map(result => ('error' in result ? { fault: appendFailureOf(result.error) } : result))
  }
}
