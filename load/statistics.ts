/** The middle of some values and how far they spread. */
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

/** The median of an even number of values is the mean of the middle two; `NaN` of none. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const [below = Number.NaN, above = Number.NaN] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]]
  return { median: (below + above) / 2, low: sorted[0] ?? Number.NaN, high: sorted.at(-1) ?? Number.NaN }
}

/** The spread of every figure over some rounds. */
export function spreadsOf<Name extends string>(
  rounds: readonly Readonly<Record<Name, number>>[],
): Readonly<Record<Name, Spread>> {
  const [first] = rounds
  if (first === undefined) throw new RangeError('no round was measured')
  const entries = Object.keys(first).map(name => [name, spreadOf(rounds.map(round => round[name as Name]))])
  // The keys are those of the first round.
  return Object.fromEntries(entries) as Record<Name, Spread>
}
