import { AggregatorRegistry, Registry, collectDefaultMetrics } from 'prom-client'
import type { AdminCounts } from '../admin/admin-counts.ts'
import { version } from '../app/version.ts'
import { declareAdministration } from '../metrics/http-metrics.ts'
import {
  type ProcessSources,
  type WorkerSources,
  declareProcess,
  declareWorkers,
} from '../metrics/process-metrics.ts'
import { MergedMetrics, type MetricPart } from './merged-metrics.ts'
import { parseMetrics } from './metric-page.ts'

export interface NodeMetricsOptions extends Omit<ProcessSources, 'version'> {
  /** Asks every worker; resolves with those that have answered and are still there. */
  readonly ask: () => Promise<readonly MetricPart[]>
  readonly workers: WorkerSources
  /** `undefined` where there is no such listener. */
  readonly administration: AdminCounts | undefined
}

/** The metrics of a node with several workers: theirs put together, and the primary's own. */
export class NodeMetrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #ask: NodeMetricsOptions['ask']
  readonly #own = new Registry()
  readonly #merged = new MergedMetrics()
  #collecting: Promise<string> | undefined

  constructor({ ask, workers, administration, ...figures }: NodeMetricsOptions) {
    this.#ask = ask
    collectDefaultMetrics({ register: this.#own })
    declareAdministration(this.#own, { administration })
    declareProcess(this.#own, { version, ...figures })
    declareWorkers(this.#own, workers)
  }

  /** As Prometheus reads them. Who asks while the workers are being asked gets the same page. */
  metrics(): Promise<string> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined
    })
    return this.#collecting
  }

  /** A worker is gone: what it has counted stays. */
  forget(worker: number): void {
    this.#merged.forget(worker)
  }

  async #collect(): Promise<string> {
    const own = parseMetrics(await this.#own.getMetricsAsJSON()) ?? []
    // Last, so that nobody of those who answer is gone when they are merged.
    const parts = await this.#ask()
    const page = this.#merged.merge([{ process: 'primary', worker: 0, metrics: own }, ...parts])
    // Nothing is left to be put together: each value is there once.
    const summed = page.map(metric => ({ ...metric, aggregator: 'sum' }))
    return await AggregatorRegistry.aggregate([summed]).metrics()
  }
}
