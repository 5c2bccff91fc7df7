import { showSpread } from '../figures.ts'
import { type Spread, spreadOf } from '../statistics.ts'
import { renderTable } from '../table.ts'
import type { WorkersArguments } from './arguments.ts'
import type { NodePhase } from './node.ts'

/** The same load on a single process and on several workers, one right after the other. */
export interface WorkersRound {
  readonly single: NodePhase
  readonly several: NodePhase
}

/** The figures for people: a Markdown table; ratios are medians of the rounds' own. */
export function renderWorkers(
  machine: readonly string[],
  load: WorkersArguments,
  rounds: readonly WorkersRound[],
): string {
  const row = (name: string, figure: (phase: NodePhase) => number, digits: number): string[] => [
    name,
    showSpread(
      spreadOver(rounds, ({ single }) => figure(single)),
      digits,
    ),
    showSpread(
      spreadOver(rounds, ({ several }) => figure(several)),
      digits,
    ),
    showSpread(
      spreadOver(rounds, ({ single, several }) => figure(several) / figure(single)),
      2,
    ),
  ]
  const ofPrimary = (figure: (phase: NodePhase) => number, digits: number): string[] => [
    'of it the primary’s',
    '–',
    showSpread(
      spreadOver(rounds, ({ several }) => figure(several)),
      digits,
    ),
    '–',
  ]
  const { subscribers, rate, workers, seconds } = load
  const table = renderTable(
    ['', 'one process', `${workers} workers`, 'ratio'],
    [
      row('server CPU per delivery, µs', ({ cpuUs, deliveries }) => cpuUs / deliveries, 3),
      ofPrimary(({ primaryCpuUs, deliveries }) => primaryCpuUs / deliveries, 3),
      row(
        'without what reading costs, µs',
        ({ cpuUs, readingCpuUs, deliveries }) => (cpuUs - readingCpuUs) / deliveries,
        3,
      ),
      row('reading alone, share of a core', ({ readingCpuUs }) => readingCpuUs / (load.seconds * 1e6), 3),
      row('events per flush', ({ eventsPerFlush }) => eventsPerFlush, 2),
      row('server CPU per connection, ms', ({ connectionUs }) => connectionUs / 1000, 2),
      ofPrimary(({ primaryConnectionUs }) => primaryConnectionUs / 1000, 2),
    ],
  )
  return `${machine.join('; ')}. ${rounds.length} rounds, both in each, in turn; median (lowest–highest round).
${rate} events/s for ${seconds} s to ${subscribers} subscribers of everything. Reading the log costs each worker as much as a single process.

${table}`
}

function spreadOver(rounds: readonly WorkersRound[], figure: (round: WorkersRound) => number): Spread {
  return spreadOf(rounds.map(figure))
}
