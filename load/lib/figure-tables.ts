import type { TablePart } from './report.ts'
import { percent, showSpread, spreadOf } from './statistics.ts'

/** One figure of a round: its name with the unit, how it is read, and its decimal places or `%`. */
export type Figure<Round> = readonly [name: string, read: (round: Round) => number, digits: number | '%']

/** A table with a row for each figure, over all rounds. */
export function figureTable<Round>(
  title: string,
  rounds: readonly Round[],
  figures: readonly Figure<Round>[],
): TablePart {
  const rows = figures.map(figure => [figure[0], show(rounds, figure)])
  return { kind: 'table', title, head: ['', 'median (lowest–highest)'], rows }
}

/** Two sides of each round, each with the name of its column. */
export type Sides<Round, Side> = readonly [
  readonly [name: string, of: (round: Round) => Side],
  readonly [name: string, of: (round: Round) => Side],
]

/** A table with a row for each figure: of both sides, and the ratio of the second to the first in a round. */
export function comparisonTable<Round, Side>(
  title: string,
  { rounds, sides }: { readonly rounds: readonly Round[]; readonly sides: Sides<Round, Side> },
  figures: readonly Figure<Side>[],
): TablePart {
  const [[firstName, first], [secondName, second]] = sides
  const rows = figures.map(([name, read, digits]) => [
    name,
    show(rounds, [name, round => read(first(round)), digits]),
    show(rounds, [name, round => read(second(round)), digits]),
    show(rounds, [name, round => read(second(round)) / read(first(round)), 2]),
  ])
  return { kind: 'table', title, head: ['', firstName, secondName, `${secondName} ÷ ${firstName}`], rows }
}

/** A table with a column for each figure and a row for each case, over the rounds of the case. */
export function caseTable<Round>(
  title: string,
  { head, cases }: { readonly head: readonly string[]; readonly cases: readonly Case<Round>[] },
  figures: readonly Figure<Round>[],
): TablePart {
  const rows = cases.map(([names, rounds]) => [...names, ...figures.map(figure => show(rounds, figure))])
  return { kind: 'table', title, head: [...head, ...figures.map(([name]) => name)], rows }
}

/** The leading cells of a row, and its rounds. */
export type Case<Round> = readonly [names: readonly string[], rounds: readonly Round[]]

function show<Round>(rounds: readonly Round[], [, read, digits]: Figure<Round>): string {
  const spread = spreadOf(rounds.map(read))
  return digits === '%' ? percent(spread.median) : showSpread(spread, digits)
}
