import { expect, test } from 'vitest'
import { MergedMetrics, type MetricPart } from '../../src/workers/merged-metrics.ts'
import type { Metric, MetricValue } from '../../src/workers/metric-page.ts'

type Type = Metric['type']

function metric(name: string, type: Type, values: readonly (number | MetricValue)[]): Metric {
  const whole = values.map(value => (typeof value === 'number' ? { value, labels: {} } : value))
  return { name, help: 'help', type, values: whole }
}

/** What a worker says of one metric without labels. */
const said = (worker: number, name: string, value: number, type: Type = 'gauge'): MetricPart => ({
  process: worker === 0 ? 'primary' : String(worker),
  worker,
  metrics: [metric(name, type, [value])],
})

const valuesOf = (page: readonly Metric[]): number[] => page[0]!.values.map(({ value }) => value)

test.each([
  ['ticker_connections', [3, 4], 7],
  ['ticker_ingest_lag_records', [3, 4], 4],
  ['ticker_newest_event_timestamp_seconds', [3, 4], 3],
  ['ticker_newest_event_timestamp_seconds', [0, 4], 4],
  ['ticker_newest_event_timestamp_seconds', [0, 0], 0],
])('the gauge %s of %o is %d', (name, [first, second], expected) => {
  const page = new MergedMetrics().merge([said(1, name, first!), said(2, name, second!)])
  expect(valuesOf(page)).toEqual([expected])
})

test("what is the primary's own is not taken from workers", () => {
  const parts = [said(0, 'ticker_ready', 0), said(1, 'ticker_ready', 1)]
  expect(valuesOf(new MergedMetrics().merge(parts))).toEqual([0])
})

test('what Node says of a process is told apart by the process', () => {
  const name = 'process_cpu_seconds_total'
  const [page] = new MergedMetrics().merge([said(0, name, 1, 'counter'), said(1, name, 2, 'counter')])
  expect(page!.values).toEqual([
    { value: 1, labels: { worker: 'primary' } },
    { value: 2, labels: { worker: '1' } },
  ])
})

test('counters of parts add up, also of workers that are gone or do not answer', () => {
  const merged = new MergedMetrics()
  const name = 'ticker_deliveries_total'
  expect(valuesOf(merged.merge([said(1, name, 10, 'counter'), said(2, name, 20, 'counter')]))).toEqual([30])
  expect(valuesOf(merged.merge([said(2, name, 25, 'counter')]))).toEqual([35])
  merged.forget(1)
  expect(valuesOf(merged.merge([said(2, name, 26, 'counter'), said(3, name, 1, 'counter')]))).toEqual([37])
})

test('counters of what everyone reads are those of whoever has read most, and go on with a successor', () => {
  const merged = new MergedMetrics()
  const name = 'ticker_records_total'
  expect(valuesOf(merged.merge([said(1, name, 100, 'counter'), said(2, name, 98, 'counter')]))).toEqual([100])
  merged.forget(1)
  // It has read the last 40 again, as everyone does at start.
  expect(valuesOf(merged.merge([said(2, name, 101, 'counter'), said(3, name, 40, 'counter')]))).toEqual([101])
  merged.forget(2)
  expect(valuesOf(merged.merge([said(3, name, 45, 'counter')]))).toEqual([106])
})

test('histograms add up by bucket', () => {
  const name = 'ticker_delivery_latency_seconds'
  const of = (low: number, high: number): Metric =>
    metric(name, 'histogram', [
      { value: low, labels: { le: 1 }, metricName: `${name}_bucket` },
      { value: high, labels: { le: '+Inf' }, metricName: `${name}_bucket` },
      { value: high, labels: {}, metricName: `${name}_count` },
    ])
  const merged = new MergedMetrics()
  const page = merged.merge([
    { process: '1', worker: 1, metrics: [of(1, 2)] },
    { process: '2', worker: 2, metrics: [of(3, 5)] },
  ])
  expect(valuesOf(page)).toEqual([4, 7, 7])
  expect(page[0]!.values.map(({ metricName }) => metricName)).toEqual([
    `${name}_bucket`,
    `${name}_bucket`,
    `${name}_count`,
  ])
})
