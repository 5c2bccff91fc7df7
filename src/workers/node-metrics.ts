import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client'
import * as v from 'valibot'
import type { AdminCounts } from '../admin/admin-counts.ts'
import { version } from '../app/version.ts'
import { declareAdministration } from '../metrics/http-metrics.ts'
import {
  declareProcess,
  declareWorkers,
  type ProcessSources,
  type WorkerSources,
} from '../metrics/process-metrics.ts'
import { MergedMetrics, metricsPage, type MetricsPart } from './merged-metrics.ts'

export interface NodeMetricsOptions extends Omit<ProcessSources, 'version'> {
  /** Asks every worker. Resolves with the metrics of those that answered and still run. */
  readonly ask: () => Promise<readonly MetricsPart[]>
  readonly workers: WorkerSources
  /** `undefined` without an administration listener. */
  readonly administration: AdminCounts | undefined
}

/** The metrics of a node with several workers: theirs, merged, and the primary's own. */
export class NodeMetrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #ask: NodeMetricsOptions['ask']
  readonly #own = new Registry()
  readonly #merged = new MergedMetrics()
  #collecting: Promise<string> | undefined

  constructor({ ask, workers, administration, ...sources }: NodeMetricsOptions) {
    this.#ask = ask
    collectDefaultMetrics({ register: this.#own })
    declareAdministration(this.#own, { administration })
    declareProcess(this.#own, { version, ...sources })
    declareWorkers(this.#own, workers)
  }

  /** Returns the page that Prometheus reads. Calls share the answers that the workers are being asked for. */
  metrics(): Promise<string> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined
    })
    return this.#collecting
  }

  /** A worker is gone; its counts stay. */
  forget(worker: number): void {
    this.#merged.forget(worker)
  }

  async #collect(): Promise<string> {
    const own = v.parse(metricsPage, await this.#own.getMetricsAsJSON())
    // Last: a worker that ends after it answered must be forgotten after its answer was merged.
    const parts = await this.#ask()
    const merged = this.#merged.merge([{ process: 'primary', worker: 0, metrics: own }, ...parts])
    return await AggregatorRegistry.aggregate([merged]).metrics()
  }
}
