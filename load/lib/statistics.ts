/** The median of some values, with the lowest and the highest of them. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** The value below which the share `quantile` (0 to 1) of the values lies, by nearest rank; `NaN` of none. */
export function quantileOf(values: Iterable<number>, quantile: number): number {
  const sorted = Float64Array.from(values).toSorted()
  const rank = Math.max(0, Math.ceil(sorted.length * quantile) - 1)
  return sorted[rank] ?? Number.NaN
}

/** What is told of latencies in µs. */
export function latencyMs(us: Iterable<number>) {
  return {
    p50Ms: quantileOf(us, 0.5) / 1000,
    p99Ms: quantileOf(us, 0.99) / 1000,
    maxMs: quantileOf(us, 1) / 1000,
  }
}

/** The spread of some values; the median of an even number is the mean of the middle two; `NaN` of none. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const [below = Number.NaN, above = Number.NaN] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]]
  return { median: (below + above) / 2, low: sorted[0] ?? Number.NaN, high: sorted.at(-1) ?? Number.NaN }
}

export function sumOf<Element>(elements: readonly Element[], figure: (element: Element) => number): number {
  return elements.reduce((sum, element) => sum + figure(element), 0)
}

/** The median and, where rounds differ, the lowest and highest in brackets; a dash for `NaN`. */
export function showSpread({ median, low, high }: Spread, digits: number): string {
  if (Number.isNaN(median)) return '–'
  const text = (value: number): string =>
    digits === 0 ? Math.round(value).toLocaleString('en-US') : value.toFixed(digits)
  return low === high ? text(median) : `${text(median)} (${text(low)}–${text(high)})`
}

export function percent(share: number): string {
  return Number.isNaN(share) ? '–' : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
