import { type Metric, type MetricValue, keyOf } from './metric-page.ts'
import { type MetricRule, ruleOf } from './metric-rules.ts'

/** One counter of a node, made of those of its workers; it never falls, though workers end and others begin at 0. */
interface Tally {
  /** What it comes to. */
  readonly total: number
  /** The counters of workers stand at this now; workers are told apart by numbers that are never used again. */
  take(values: ReadonlyMap<number, number>): void
  /** The worker is gone: what it has counted stays. */
  forget(worker: number): void
}

/** Each worker counts a part of it. */
class SumTally implements Tally {
  readonly #values = new Map<number, number>()
  #ofGone = 0

  get total(): number {
    let total = this.#ofGone
    for (const value of this.#values.values()) total += value
    return total
  }

  take(values: ReadonlyMap<number, number>): void {
    for (const [worker, value] of values) this.#values.set(worker, value)
  }

  forget(worker: number): void {
    this.#ofGone += this.#values.get(worker) ?? 0
    this.#values.delete(worker)
  }
}

/**
 * Each worker counts all of it, as what it reads of the log: that of the worker that is furthest counts. One that begins later goes on
 * where the others are, whatever it reads again of what they have counted.
 */
class MostTally implements Tally {
  /** What is added to a worker's counter. */
  readonly #heads = new Map<number, number>()
  #total: number | undefined

  get total(): number {
    return this.#total ?? 0
  }

  /** Those that are known come first: they say where the others begin. Who was there from the beginning begins at 0. */
  take(values: ReadonlyMap<number, number>): void {
    let total = this.total
    for (const [worker, value] of values) {
      const head = this.#total === undefined ? 0 : this.#heads.get(worker)
      if (head === undefined) continue
      this.#heads.set(worker, head)
      total = Math.max(total, head + value)
    }
    this.#total = total
    for (const [worker, value] of values) {
      if (!this.#heads.has(worker)) this.#heads.set(worker, total - value)
    }
  }

  forget(worker: number): void {
    this.#heads.delete(worker)
  }
}

/** The metrics of one process of the node, at one time. */
export interface MetricPart {
  /** Its slot, or `primary`: a closed set. */
  readonly process: string
  /** Tells workers of one slot apart that came one after another; the primary's is 0. */
  readonly worker: number
  readonly metrics: readonly Metric[]
}

interface Found {
  readonly value: MetricValue
  readonly part: MetricPart
}

/** Makes one page of metrics of those of several processes (docs/metrics.md, with several workers). */
export class MergedMetrics {
  /** Of every counter there ever was. */
  readonly #tallies = new Map<string, Tally>()

  /** Merges what those processes say that have answered; counters of the others stay where they were. */
  merge(parts: readonly MetricPart[]): Metric[] {
    const pages = new Map<string, { metric: Metric; from: { part: MetricPart; metric: Metric }[] }>()
    for (const part of parts) {
      for (const metric of part.metrics) {
        const page = pages.get(metric.name) ?? { metric, from: [] }
        page.from.push({ part, metric })
        pages.set(metric.name, page)
      }
    }
    return [...pages.values()].map(({ metric, from }) => {
      const found = from.flatMap(({ part, metric: { values } }) => values.map(value => ({ value, part })))
      return { ...metric, values: this.#values(metric, found) }
    })
  }

  /** A worker is gone: what it has counted stays. */
  forget(worker: number): void {
    for (const tally of this.#tallies.values()) tally.forget(worker)
  }

  #values(metric: Metric, found: readonly Found[]): MetricValue[] {
    const rule = ruleOf(metric.name)
    if (rule === 'each') return found.map(labelled)
    if (rule === 'primary') return found.filter(({ part }) => part.worker === 0).map(({ value }) => value)
    const groups = Map.groupBy(found, ({ value }) => keyOf(metric, value))
    const isCounter = metric.type !== 'gauge'
    return [...groups].flatMap(([key, group]) => {
      const [first] = group
      if (first === undefined) return []
      const value = isCounter ? this.#count(key, rule, group) : combine(rule, group)
      return [{ ...first.value, value }]
    })
  }

  #count(key: string, rule: MetricRule, group: readonly Found[]): number {
    const tally = this.#tallies.get(key) ?? (rule === 'most' ? new MostTally() : new SumTally())
    this.#tallies.set(key, tally)
    tally.take(new Map(group.map(({ value, part }) => [part.worker, value.value])))
    return tally.total
  }
}

function labelled({ value, part }: Found): MetricValue {
  return { ...value, labels: { ...value.labels, worker: part.process } }
}

/** A time of 0 means that there is none yet: it is not the least. */
function combine(rule: MetricRule, group: readonly Found[]): number {
  const values = group.map(({ value }) => value.value)
  if (rule === 'most') return Math.max(...values)
  if (rule === 'sum') return values.reduce((sum, value) => sum + value, 0)
  const known = values.filter(value => value > 0)
  return known.length === 0 ? 0 : Math.min(...known)
}
