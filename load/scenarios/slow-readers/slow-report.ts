import { areWhole, describeResults } from '../../clients/reader-results.ts'
import { comparisonTable, type Figure, figureTable } from '../../lib/figure-tables.ts'
import type { ReportPart } from '../../lib/report.ts'
import type { ReaderKind, ReaderResult } from '../../processes/numbered-readers.ts'
import { stretchFigures } from '../../processes/probed-gateway.ts'
import type { SlowRun, SlowStretch } from './slow-run.ts'

/** The same run, without stops and with them. */
export interface SlowRound {
  readonly control: SlowRun
  readonly stopping: SlowRun
}

const kibibyte = 1024

const sides = [
  ['no reader stops', (round: SlowRound) => round.control],
  ['half stop', (round: SlowRound) => round.stopping],
] as const

/** The tables; so many readers stop. */
export function slowParts(rounds: readonly SlowRound[], stopping: number): ReportPart[] {
  const others = [...during('stopped', run => run.stopped), ...during('20 s after', run => run.catchingUp)]
  return [
    comparisonTable('The others', { rounds, sides }, others),
    figureTable('A reader that stops', rounds, stoppingFigures(stopping)),
    resultTable(rounds),
    { kind: 'text', text: complaintsOf(rounds).join('\n') },
  ]
}

function during(name: string, stretchOf: (run: SlowRun) => SlowStretch): Figure<SlowRun>[] {
  const figures: Figure<SlowStretch>[] = [
    ['others’ p50, ms', ({ latencies }) => latencies.p50Ms, 2],
    ['others’ p99, ms', ({ latencies }) => latencies.p99Ms, 1],
    ['gateway CPU, cores', ({ cpuMs, seconds }) => cpuMs / 1000 / seconds, 2],
    ...stretchFigures,
  ]
  return figures.map(([figure, read, digits]) => [`${name}: ${figure}`, run => read(stretchOf(run)), digits])
}

function stoppingFigures(stopping: number): Figure<SlowRound>[] {
  const more = (figure: (run: SlowRun) => number, readers: number) => (round: SlowRound) =>
    (figure(round.stopping) - figure(round.control)) / readers / kibibyte
  const caughtUp = (kind: ReaderKind) => (round: SlowRound) =>
    (round.stopping.results.find(result => result.kind === kind)?.caughtUpMs ?? Number.NaN) / 1000
  return [
    ['published meanwhile, MB', round => round.stopping.stopped.latencies.bytes / 1e6, 1],
    ['heap and buffers, KiB', more(({ memory }) => memory.heapUsed + memory.external, stopping), 1],
    ['RSS, KiB', more(({ memory }) => memory.rss, stopping), 1],
    ['RSS, highest while catching up, KiB', more(({ catchingUp }) => catchingUp.peakRss, stopping), 1],
    ['kernel, both ends, KiB, if it does not read', more(run => run.kernelBytes, stopping / 2), 0],
    ['if it did not read: s until current', caughtUp('unread'), 1],
    ['if it did not acknowledge: s until current', caughtUp('unacknowledged'), 1],
  ]
}

function resultTable(rounds: readonly SlowRound[]): ReportPart {
  const head = ['round', 'readers', 'checked', 'trades', 'quotes', 'replaced', 'most at once', 'missing']
  const rows = rounds.flatMap((round, index) =>
    sides.flatMap(([name, of]) =>
      of(round).results.map(result => resultRow(`${index + 1}, ${name}`, result)),
    ),
  )
  return {
    kind: 'table',
    title: 'What they received',
    head: [...head, 'repeated', 'miscounted', 'uncovered', 'not at the end', 'messages'],
    rows,
  }
}

function resultRow(name: string, result: ReaderResult): string[] {
  const { kind, readers, trades, quotes, replaced, mostReplaced, unfinished } = result
  const { missing, repeated, miscounted, uncovered } = result.faults
  const messages = ['slow', 'replaced', 'snapshot', 'lost', 'error'].flatMap(T =>
    result.messages[T] === undefined ? [] : [`${T} ${result.messages[T]}`],
  )
  const counts = [readers, trades, quotes, replaced, mostReplaced, missing, repeated, miscounted, uncovered]
  return [name, kind, ...[...counts, unfinished].map(String), messages.join(', ')]
}

function complaintsOf(rounds: readonly SlowRound[]): string[] {
  const all = rounds.flatMap(({ control, stopping }) => [...control.results, ...stopping.results])
  const different = new Set(all.flatMap(({ complaints }) => complaints))
  return [...different].slice(0, 5).map(complaint => `The gateway said: ${complaint}`)
}

/** The readers that did not receive everything. */
export function failuresOf(rounds: readonly SlowRound[]): string[] {
  return rounds.flatMap((round, index) =>
    sides
      .map(([name, of]) => [name, of(round).results] as const)
      .filter(([, results]) => !areWhole(results))
      .map(
        ([name, results]) =>
          `round ${index + 1}, ${name}: not all received everything: ${describeResults(results)}`,
      ),
  )
}
