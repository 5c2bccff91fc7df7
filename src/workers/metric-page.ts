import { isMembers, list, text } from './message-schemas.ts'

/** One value of a metric; of a histogram `metricName` says which of its series it is. */
export interface MetricValue {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  readonly metricName?: string
}

/** A metric with its values, as prom-client's `getMetricsAsJSON` gives it. */
export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly values: readonly MetricValue[]
}

const mostMetrics = 1000
const mostValues = 50_000
const longestHelp = 2000

/** Reads the metrics of a process; `undefined` where they are none. */
export function parseMetrics(value: unknown): readonly Metric[] | undefined {
  return list(value, mostMetrics, isMetric) ? value : undefined
}

/** Tells the values of all metrics apart: by name and labels. */
export function keyOf(metric: Metric, { metricName = metric.name, labels }: MetricValue): string {
  return JSON.stringify([metricName, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

function isMetric(value: unknown): value is Metric {
  if (!isMembers(value)) return false
  const { name, help, type, values } = value
  return text(name) && text(help, longestHelp) && isType(type) && list(values, mostValues, isValue)
}

function isType(value: unknown): boolean {
  return value === 'counter' || value === 'gauge' || value === 'histogram' || value === 'summary'
}

function isValue(value: unknown): value is MetricValue {
  if (!isMembers(value)) return false
  const { metricName, labels, value: number } = value
  return (
    typeof number === 'number' &&
    (metricName === undefined || text(metricName)) &&
    isMembers(labels) &&
    Object.values(labels).every(label => typeof label === 'number' || text(label))
  )
}
