import { Counter, Gauge, type Registry } from 'prom-client'

/** One value of a metric, with its labels. */
export type Row = readonly [labels: Readonly<Record<string, string>>, value: number]

/**
 * How the values of several workers become the node's (docs/metrics.md, "With several workers"): each worker
 * has a part (`sum`); each sees all of it, and the worst counts (`max`, `min`); or the primary alone knows
 * (`first`).
 */
export type WorkerAggregator = 'sum' | 'max' | 'min' | 'first'

/** A metric whose value is kept elsewhere and read when Prometheus asks. */
interface MetricDeclaration {
  readonly name: string
  /** Says what is measured. */
  readonly help: string
  /** Says what a change suggests. */
  readonly hint: string
  readonly labelNames?: string[]
  /** One number, or one row for each combination of labels. */
  readonly read: () => number | Row[]
}

interface GaugeDeclaration extends MetricDeclaration {
  readonly aggregator: WorkerAggregator
}

interface CounterDeclaration extends MetricDeclaration {
  /** `sum` by default. */
  readonly aggregator?: WorkerAggregator
}

/** Declares a gauge. */
export function declareGauge(registry: Registry, { read, ...declaration }: GaugeDeclaration): void {
  const gauge = new Gauge({
    ...configurationOf(declaration),
    collect() {
      this.reset()
      for (const [labels, value] of rowsOf(read())) this.set(labels, value)
    },
  })
  registry.registerMetric(gauge)
}

/** Declares a counter whose total is kept elsewhere. */
export function declareCounter(registry: Registry, { read, ...declaration }: CounterDeclaration): void {
  const counter = new Counter({
    ...configurationOf(declaration),
    collect() {
      this.reset()
      for (const [labels, value] of rowsOf(read())) this.inc(labels, value)
    },
  })
  registry.registerMetric(counter)
}

/** Returns one row for each value, under one label. */
export function rows(label: string, values: Readonly<Record<string, number>>): Row[] {
  return Object.entries(values).map(([name, value]) => [{ [label]: name }, value])
}

/** Returns the rows of every feed, under the label `feed`. */
export function rowsByFeed<FeedSource extends { readonly name: string }>(
  feeds: Iterable<FeedSource>,
  read: (feed: FeedSource) => number | readonly Row[],
): Row[] {
  return [...feeds].flatMap(feed => {
    const values = read(feed)
    const feedRows: readonly Row[] = typeof values === 'number' ? [[{}, values]] : values
    return feedRows.map(([labels, value]): Row => [{ feed: feed.name, ...labels }, value])
  })
}

/** Returns the rows of every transport, under the label `transport`. */
export function rowsByTransport<Counts>(
  transports: Readonly<Record<string, Counts>>,
  read: (counts: Counts) => readonly Row[],
): Row[] {
  return Object.entries(transports).flatMap(([transport, counts]) =>
    read(counts).map(([labels, value]): Row => [{ transport, ...labels }, value]),
  )
}

function rowsOf(read: number | Row[]): Row[] {
  return typeof read === 'number' ? [[{}, read]] : read
}

/** Prometheus has one text for a metric: what is measured, then what a change suggests. */
function configurationOf({
  name,
  help,
  hint,
  labelNames = [],
  aggregator = 'sum',
}: Omit<CounterDeclaration, 'read'>) {
  return { name, help: `${help}. ${hint}`, labelNames, aggregator, registers: [] }
}
