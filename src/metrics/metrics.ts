import { Registry, collectDefaultMetrics } from 'prom-client'
import type { Feed } from '../feed/feed.ts'
import type { SharedHistory } from '../history/shared-history.ts'
import type { PublishCounts } from '../http/publish/publish-counts.ts'
import type { DeadLetterOutcome } from '../ingest/dead-letters.ts'
import type { Ingest } from '../ingest/ingest.ts'
import type { Sessions } from '../session/sessions.ts'
import { declareHistory, declareReaders } from './catch-up-metrics.ts'
import { type ConnectionSources, declareConnections } from './connection-metrics.ts'
import { declareConflation, declareDelivery, declareFilters, declareLatency } from './delivery-metrics.ts'
import { type AdminSources, declareAdministration, declarePublishing } from './http-metrics.ts'
import { declareIngest, declareWarmUp } from './ingest-metrics.ts'
import { type LogSources, declareLog } from './log-metrics.ts'
import { type MemorySources, declareMemory, declareWindow } from './memory-metrics.ts'
import { type ProcessSources, type WorkerSources, declareProcess, declareWorkers } from './process-metrics.ts'
import { type KeySources, declareKeys, declareSessions } from './session-metrics.ts'

/** The parts of a feed; its name is the label `feed`. */
interface FeedSources {
  readonly name: string
  readonly feed: Feed
  readonly ingest: Ingest
  readonly history: SharedHistory
  /** The memory of records that are held until they are due. */
  readonly heldBytes: number
}

/** The sources of the values, read when Prometheus asks: plain fields, counted on the delivery path. */
export interface MetricSources
  extends ProcessSources,
    ConnectionSources,
    KeySources,
    AdminSources,
    MemorySources {
  readonly feeds: readonly FeedSources[]
  readonly deadLetters: Readonly<Record<DeadLetterOutcome, number>>
  readonly sessions: Sessions
  readonly publishing: PublishCounts
  readonly log: LogSources
  /** `undefined` in one worker of several. */
  readonly workers: WorkerSources | undefined
}

/**
 * Declares every metric. Labels come from closed sets: never a symbol, a user or an address. docs/metrics.md
 * has the same words.
 */
export function createMetrics(sources: MetricSources): Registry {
  const { feeds } = sources
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  declareSessions(registry, sources.sessions)
  declareReaders(registry, sources.sessions)
  declareHistory(registry, feeds, sources.sessions.resumeLimitCounts)
  declareConnections(registry, sources)
  declareKeys(registry, sources)
  declareAdministration(registry, sources)
  declareDelivery(registry, feeds)
  declareConflation(registry, feeds)
  declareFilters(registry, sources.sessions.filters)
  declareWindow(registry, feeds, sources.clock)
  declareMemory(registry, sources)
  declareWarmUp(registry, feeds)
  declareIngest(registry, sources)
  declareLog(registry, sources.log)
  declarePublishing(registry, sources.publishing)
  declareLatency(registry, feeds)
  declareProcess(registry, sources)
  if (sources.workers !== undefined) declareWorkers(registry, sources.workers)
  return registry
}
