import { setTimeout as pause } from 'node:timers/promises'
import { areWhole, describeResults } from '../clients/reader-results.ts'
import { type KafkaTotals, readKafkaTotals } from '../kafka/kafka-totals.ts'
import { NumberedProducer } from '../kafka/numbered-producer.ts'
import type { Totals } from '../kafka/numbered-source.ts'
import { type KafkaBench, measureRounds } from '../lib/bench.ts'
import { program, startChild } from '../lib/child.ts'
import { comparisonTable, type Figure, figureTable } from '../lib/figure-tables.ts'
import { roundsOption } from '../lib/options.ts'
import { kernelTcpBytes } from '../lib/process-figures.ts'
import type { ReportPart } from '../lib/report.ts'
import { kafkaScenario } from '../lib/scenario.ts'
import type { NumberedReaders, ReaderKind, ReaderResult, ReaderSpec } from '../processes/numbered-readers.ts'
import { profileFileOption, startProbedGateway, stretchFigures } from '../processes/probed-gateway.ts'

export const slowReaders = kafkaScenario({
  name: 'slow-readers',
  summary: 'half of the readers stop and read again: what it costs the others, memory, completeness',
  details: `
Each round is a run in which no reader stops, and one in which half of them do: of these, half do not read,
and half read but do not acknowledge. Half of the events are trades (every), half are quotes (conflate).
`,
  options: {
    rounds: roundsOption(3),
    subscribers: { help: 'subscribers of everything', default: 200, quick: 40, most: 10_000 },
    rate: { help: 'events per second', default: 5000, most: 100_000 },
    seconds: { help: 'how long they stop, in seconds', default: 30, quick: 5, most: 600 },
    profile: profileFileOption,
  },
  async measure(options, bench) {
    const producer = await NumberedProducer.open(bench, symbols)
    const { topics, source } = producer
    await producer.publishBacklog(warmUpEvents, 0, bench.signal)
    const rounds = await measureRounds(bench, options.rounds, async (own, isLast) => {
      const setup = { producer, bench: own }
      own.say('no reader stops')
      const control = await runOnce(setup, options, { isStopping: false, profile: undefined })
      own.say('half of them stop')
      const profile = isLast ? options.profile : undefined
      return { control, stopping: await runOnce(setup, options, { isStopping: true, profile }) }
    })
    bench.say('reading what Kafka holds')
    const inKafka = await readKafkaTotals(bench.brokers, topics, symbols)
    const lost = isAsPublished(source.totals, inKafka)
      ? []
      : ['Kafka does not hold the events as they were published: the figures say nothing of the gateway']
    const { subscribers, rate, seconds } = options
    return {
      notes: [
        `${subscribers} subscribers of everything, ${rate} events/s; half of them stop for ${seconds} s:`,
        'of these, half do not read, and half read but do not acknowledge.',
        'Missing, repeated or uncovered: trades and ranges of the log.',
        'Miscounted: quotes that do not replace exactly those that are left out before them.',
      ],
      parts: slowParts(rounds, subscribers / 2),
      figures: { rounds, eventsInKafka: source.events },
      failures: [...lost, ...failuresOf(rounds)],
    }
  },
})

/** One run: half of the readers stop for a time, or none does. */
type SlowRun = Awaited<ReturnType<typeof runOnce>>
type SlowStretch = SlowRun['stopped']

const symbols = 300
const leadSeconds = 5
const afterSeconds = 20
const lingerMs = 5
const resultTimeoutMs = 90_000

/** As often as in production: readers learn from it that they are behind. */
const settings = { TICKER_HEARTBEAT_MS: '5000' } as const

/** Runs with a gateway of its own, so that memory of former runs does not count. */
async function runOnce(
  { producer, bench }: { readonly producer: NumberedProducer; readonly bench: KafkaBench },
  {
    subscribers,
    rate,
    seconds,
  }: { readonly subscribers: number; readonly rate: number; readonly seconds: number },
  { isStopping, profile }: { readonly isStopping: boolean; readonly profile: string | undefined },
) {
  await using stack = new AsyncDisposableStack()
  const { signal } = bench
  const { topics, source } = producer
  const gateway = await startProbedGateway({ topics, settings }, { ...bench, stack })
  const command = program('processes/numbered-readers.ts')
  const readers = startChild<NumberedReaders>(stack, 'readers', command)
  const observe = async (length: number) => {
    await readers.call('latencies')
    const [stretch] = await gateway.during(() => pause(length * 1000, undefined, { signal }))
    return { ...stretch, latencies: await readers.call('latencies') }
  }
  const specs = Array.from({ length: subscribers }, (_, number) => specOf(number, subscribers, source.totals))
  await readers.call('open', gateway.target, symbols, specs)
  await readers.call('latencies')
  const endPublishing = producer.start({ perSecond: rate, lingerMs }, signal)
  await pause(leadSeconds * 1000, undefined, { signal })
  if (isStopping) await readers.call('stop')
  const stopped = await observe(seconds)
  const [memory, kernelBytes] = [await gateway.ask('memory'), kernelTcpBytes()]
  const catchingUp = await gateway.profiled(profile, async () => {
    if (isStopping) await readers.call('readAgain')
    return await observe(afterSeconds)
  })
  const { longestGapMs } = await endPublishing()
  const results = await readers.call('results', source.totals, resultTimeoutMs)
  // Memory is that at the end of the stop.
  return { stopped, catchingUp, memory, kernelBytes, results, longestGapMs }
}

const kinds: readonly ReaderKind[] = ['steady', 'unread', 'steady', 'unacknowledged']
/** Steady readers that look at events. */
const mostChecked = 10

/** Steady readers have the even numbers; some of them look at events, as do all others. */
function specOf(number: number, count: number, begins: Totals): ReaderSpec {
  const kind = kinds[number % kinds.length] ?? 'steady'
  const isChecked = kind !== 'steady' || number % (2 * Math.ceil(count / 2 / mostChecked)) === 0
  const subscribe = { trades: ['*'], quotes: ['*'] }
  return { kind, subscribe, begins, looks: isChecked ? 'at events' : 'at frames' }
}

/** As much as a gateway reads at its start, so that the first one's memory is like that of the others. */
const warmUpEvents = 80_000

function isAsPublished(published: Totals, { totals, outOfOrder }: KafkaTotals): boolean {
  const isSame = (a: Uint32Array, b: Uint32Array) => a.every((total, index) => total === b[index])
  return (
    outOfOrder === 0 && isSame(published.trades, totals.trades) && isSame(published.quotes, totals.quotes)
  )
}

/** The same run, without stops and with them. */
interface SlowRound {
  readonly control: SlowRun
  readonly stopping: SlowRun
}

const kibibyte = 1024

const sides = [
  ['no reader stops', (round: SlowRound) => round.control],
  ['half stop', (round: SlowRound) => round.stopping],
] as const

/** The tables; so many readers stop. */
function slowParts(rounds: readonly SlowRound[], stopping: number): ReportPart[] {
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
function failuresOf(rounds: readonly SlowRound[]): string[] {
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
