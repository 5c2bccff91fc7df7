import { Counter, Gauge, type Registry } from 'prom-client'

/** One value of a metric, with its labels. */
export type Row = readonly [labels: Readonly<Record<string, string>>, value: number]

/** A metric without labels is read as one number. */
function rowsOf(read: number | Row[]): Row[] {
  return typeof read === 'number' ? [[{}, read]] : read
}

/** One row for each value, under one label. */
export function rows(label: string, values: Readonly<Record<string, number>>): Row[] {
  return Object.entries(values).map(([name, value]) => [{ [label]: name }, value])
}

/** Declares a gauge whose value is kept elsewhere, and read when Prometheus asks. */
export function declareGauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: () => number | Row[],
): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset()
        for (const [labels, value] of rowsOf(read())) this.set(labels, value)
      },
    }),
  )
}

/** Declares a counter whose total is kept elsewhere, and read when Prometheus asks. */
export function declareCounter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: () => number | Row[],
): void {
  registry.registerMetric(
    new Counter({
      name,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset()
        for (const [labels, value] of rowsOf(read())) this.inc(labels, value)
      },
    }),
  )
}
