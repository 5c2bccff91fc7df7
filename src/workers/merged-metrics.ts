import { AggregatorRegistry } from 'prom-client'
import * as v from 'valibot'

const text = v.pipe(v.string(), v.maxLength(512))
const metric = v.object({
  name: text,
  help: v.pipe(v.string(), v.maxLength(2000)),
  type: v.picklist(['counter', 'gauge', 'histogram', 'summary']),
  aggregator: v.picklist(['sum', 'max', 'min', 'first', 'average', 'omit']),
  values: v.pipe(
    v.array(
      v.object({
        value: v.union([v.number(), v.nan()]),
        labels: v.record(text, v.union([v.number(), text])),
        /** The series of a histogram. */
        metricName: v.exactOptional(text),
      }),
    ),
    v.maxLength(50_000),
  ),
})

/** The metrics of a process, as prom-client's `getMetricsAsJSON` returns them. */
export const metricsPage = v.pipe(v.array(metric), v.maxLength(1000))
export type Metric = v.InferOutput<typeof metric>

type MetricValue = Metric['values'][number]

/** The metrics of one process of the node, at one time. */
export interface MetricsPart {
  /** The ordinal of the worker, or `primary`: a closed set. */
  readonly process: string
  /** The number of a worker, which no later worker gets; 0 for the primary. */
  readonly worker: number
  readonly metrics: readonly Metric[]
}

/**
 * Merges the metrics of several processes into those of the node (docs/metrics.md, "With several workers").
 * prom-client aggregates as each metric declares. This adds what it does not know: processes come and go, but
 * counters never fall.
 */
export class MergedMetrics {
  /** The last counters of every worker that runs. */
  readonly #counters = new Map<number, readonly Metric[]>()
  /** What workers counted that are gone. */
  #retired: readonly Metric[] = []
  readonly #shared = new Map<string, SharedCounter>()
  /** The last merged counters that every worker counts whole; they stand still while no worker answers. */
  #lastShared: readonly Metric[] = []

  /**
   * Returns the node's metrics. The primary's part comes first. Counters of workers without a part stand
   * still.
   */
  merge(parts: readonly MetricsPart[]): Metric[] {
    const pages = parts.map(({ process, metrics }) => metrics.map(each => asNodeMetric(each, process)))
    const absent = new Map(this.#counters)
    for (const [index, { worker }] of parts.entries()) {
      absent.delete(worker)
      if (worker > 0) this.#counters.set(worker, pages[index]?.filter(isSummedCounter) ?? [])
    }
    this.#continueSharedCounters(parts)
    const merged = aggregate([...withoutUnknownMinimums(pages), ...absent.values(), this.#retired])
    const shared = merged.filter(isSharedCounter)
    const unanswered = this.#lastShared.filter(({ name }) => shared.every(each => each.name !== name))
    this.#lastShared = [...shared, ...unanswered]
    return [...merged, ...unanswered].map(each => (isSharedCounter(each) ? this.#withTotals(each) : each))
  }

  /** A worker is gone; its counts stay. */
  forget(worker: number): void {
    this.#retired = aggregate([this.#retired, this.#counters.get(worker) ?? []])
    this.#counters.delete(worker)
    for (const counter of this.#shared.values()) counter.forget(worker)
  }

  #continueSharedCounters(parts: readonly MetricsPart[]): void {
    const counts = new Map<string, Map<number, number>>()
    for (const { worker, metrics } of parts) {
      for (const each of metrics.filter(isSharedCounter)) {
        for (const value of each.values) {
          const key = seriesKey(each, value)
          counts.set(key, (counts.get(key) ?? new Map<number, number>()).set(worker, value.value))
        }
      }
    }
    for (const [key, byWorker] of counts) {
      const counter = this.#shared.get(key) ?? new SharedCounter()
      this.#shared.set(key, counter)
      counter.update(byWorker)
    }
  }

  #withTotals(each: Metric): Metric {
    const values = each.values.map(value => {
      return { ...value, value: this.#shared.get(seriesKey(each, value))?.total ?? value.value }
    })
    return { ...each, values }
  }
}

/**
 * A counter of something that every worker counts whole, such as records read: the worker that has read most
 * counts. A worker that begins later continues where the others are, whatever it reads again.
 */
class SharedCounter {
  /** What is added to each worker's count. */
  readonly #offsets = new Map<number, number>()
  #total: number | undefined

  get total(): number {
    return this.#total ?? 0
  }

  /**
   * Takes counts by worker. Known workers come first: they say where new ones continue. The first ones begin
   * at 0.
   */
  update(counts: ReadonlyMap<number, number>): void {
    let total = this.total
    for (const [worker, count] of counts) {
      const offset = this.#total === undefined ? 0 : this.#offsets.get(worker)
      if (offset === undefined) continue
      this.#offsets.set(worker, offset)
      total = Math.max(total, offset + count)
    }
    this.#total = total
    for (const [worker, count] of counts) {
      if (!this.#offsets.has(worker)) this.#offsets.set(worker, total - count)
    }
  }

  forget(worker: number): void {
    this.#offsets.delete(worker)
  }
}

function aggregate(pages: readonly (readonly Metric[])[]): Metric[] {
  const registry = AggregatorRegistry.aggregate([...pages])
  return v.parse(metricsPage, registry.getMetricsAsArray())
}

/** What prom-client says of a process is shown for each one, under the label `worker`. */
function asNodeMetric(each: Metric, process: string): Metric {
  if (each.name.startsWith('ticker_')) return each
  const values = each.values.map(value => ({ ...value, labels: { ...value.labels, worker: process } }))
  return { ...each, values, aggregator: 'first' }
}

/** A minimum of 0 means that a process has no value yet; it counts only where no process has one. */
function withoutUnknownMinimums(pages: readonly (readonly Metric[])[]): (readonly Metric[])[] {
  const isMinimum = ({ aggregator }: Metric): boolean => aggregator === 'min'
  const known = new Set(
    pages.flat().flatMap(each => {
      if (!isMinimum(each)) return []
      return each.values.filter(({ value }) => value > 0).map(value => seriesKey(each, value))
    }),
  )
  const withoutUnknown = (each: Metric): Metric => {
    if (!isMinimum(each)) return each
    return {
      ...each,
      values: each.values.filter(value => value.value > 0 || !known.has(seriesKey(each, value))),
    }
  }
  return pages.map(page => page.map(withoutUnknown))
}

function isSummedCounter({ name, type, aggregator }: Metric): boolean {
  return name.startsWith('ticker_') && type !== 'gauge' && aggregator === 'sum'
}

function isSharedCounter({ name, type, aggregator }: Metric): boolean {
  return name.startsWith('ticker_') && type !== 'gauge' && aggregator === 'max'
}

/** Tells series apart: by name and labels. */
function seriesKey({ name }: Metric, { metricName = name, labels }: MetricValue): string {
  return JSON.stringify([metricName, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}
