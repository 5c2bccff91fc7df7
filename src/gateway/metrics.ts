import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Feed } from '../fanout/feed.ts'
import type { PublishCounts } from '../http/publish/publish-counts.ts'
import type { Sessions } from '../session/sessions.ts'
import type { DeadLetterOutcome } from './dead-letters.ts'
import type { Ingest } from './ingest.ts'
import { type AdminSources, declareAdministration } from './metrics/admin-metrics.ts'
import { type ConnectionSources, declareConnections } from './metrics/connection-metrics.ts'
import { declareConflation } from './metrics/conflation-metrics.ts'
import { declareDelivery, declareLatency } from './metrics/delivery-metrics.ts'
import { declareHistory } from './metrics/history-metrics.ts'
import { declareIngest } from './metrics/ingest-metrics.ts'
import { declareKeys, type KeySources } from './metrics/key-metrics.ts'
import { declareLog, type LogFigures } from './metrics/log-metrics.ts'
import { declareMemory, type MemorySources } from './metrics/memory-metrics.ts'
import { declareProcess, type ProcessFigures } from './metrics/process-metrics.ts'
import { declarePublishing } from './metrics/publishing-metrics.ts'
import { declareReaders } from './metrics/reader-metrics.ts'
import { declareSessions } from './metrics/session-metrics.ts'
import { declareTape } from './metrics/tape-metrics.ts'
import { declareWarmUp } from './metrics/warm-up-metrics.ts'
import { declareWorkers, type WorkerFigures } from './metrics/worker-metrics.ts'
import type { SharedHistory } from './shared-history.ts'

/** Where the figures are read from when Prometheus asks: plain fields, counted on the delivery path. */
export interface MetricSources
  extends ProcessFigures,
    ConnectionSources,
    KeySources,
    AdminSources,
    MemorySources {
  readonly feed: Feed
  readonly ingest: Ingest
  readonly deadLetters: Readonly<Record<DeadLetterOutcome, number>>
  readonly sessions: Sessions
  readonly history: SharedHistory
  readonly publishing: PublishCounts
  readonly log: LogFigures
  /** `undefined` of one worker among several. */
  readonly workers: WorkerFigures | undefined
}

/**
 * Declares every metric. Labels come from closed sets: never a symbol, a user or an address. The first sentence of a help
 * says what is measured, the rest what a change suggests; docs/metrics.md has the same words.
 */
export function createMetrics(sources: MetricSources): Registry {
  const { feed, ingest } = sources
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  declareSessions(registry, sources.sessions)
  declareReaders(registry, sources.sessions, feed)
  declareHistory(registry, sources.history, sources.sessions.resumeLimitCounts)
  declareConnections(registry, sources)
  declareKeys(registry, sources)
  declareAdministration(registry, sources)
  declareDelivery(registry, feed)
  declareConflation(registry, feed)
  declareTape(registry, feed)
  declareMemory(registry, sources, feed.window)
  declareWarmUp(registry, ingest.warmUp)
  declareIngest(registry, sources)
  declareLog(registry, sources.log)
  declarePublishing(registry, sources.publishing)
  declareLatency(registry, ingest)
  declareProcess(registry, sources)
  if (sources.workers !== undefined) declareWorkers(registry, sources.workers)
  return registry
}
