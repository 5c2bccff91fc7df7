import { measureRounds } from '../../lib/bench.ts'
import { type Child, program, startChild } from '../../lib/child.ts'
import { caseTable, type Figure, figureTable } from '../../lib/figure-tables.ts'
import { roundsOption } from '../../lib/options.ts'
import type { ReportPart } from '../../lib/report.ts'
import { scenario } from '../../lib/scenario.ts'
import type { Adding, CatchUp, Way, WindowProcess } from './window-process.ts'

export const window = scenario({
  name: 'window',
  summary: 'the window of recent events: memory and CPU of an event, cost of readers that are behind',
  options: {
    rounds: roundsOption(5),
    events: {
      help: 'events in the window',
      default: 600_000,
      quick: 100_000,
      most: 5_000_000,
    },
    symbols: { help: 'symbols of the market', default: 3000, most: 17_000 },
  },
  async measure({ rounds: count, events, symbols }, bench) {
    const command = bench.cores.server(program('scenarios/window/window-process.ts', ['--expose-gc']))
    const rounds = await measureRounds(bench, count, async ({ stack, say }) => {
      say('adding and reading')
      const child = startChild<WindowProcess>(stack, 'window', command)
      const round = await measureRound(child, events, symbols)
      child.stop()
      return round
    })
    const addings = rounds.map(({ adding }) => adding)
    return {
      notes: [
        `A market of ${symbols} symbols and all types of events; one partition with ${events} events.`,
        'Each round in a process of its own. Readers read at most 500 events and 65,000 bytes at a time.',
      ],
      parts: [
        figureTable('An event that is added', addings, addingFigures),
        readerTable(rounds),
        conflatedTable(rounds),
      ],
      figures: { rounds },
    }
  },
})

type WindowRound = Awaited<ReturnType<typeof measureRound>>
const wantedItems = [1, 20, 100, 500, 2000]

async function measureRound(child: Child<WindowProcess>, events: number, symbols: number) {
  const adding = await child.call('add', events, symbols)
  const readers = []
  for (const behind of [10_000, events]) {
    for (const items of wantedItems) {
      const read = (way: Way): Promise<CatchUp> => child.call('catchUp', way, items, behind)
      const byWay = { rows: await read('rows'), chains: await read('chains'), chosen: await read('chosen') }
      readers.push({ items, behind, byWay })
    }
  }
  const conflated = []
  for (const behind of [100, 1000, 10_000, events])
    conflated.push({ behind, newest: await child.call('conflate', behind) })
  return { adding, readers, conflated }
}

const addingFigures: readonly Figure<Adding>[] = [
  ['bytes of JSON', ({ eventBytes }) => eventBytes, 0],
  ['bytes of memory, after a collection', ({ bytesPerEvent }) => bytesPerEvent, 0],
  ['bytes by the window’s own account', ({ countedBytesPerEvent }) => countedBytesPerEvent, 0],
  ['CPU, µs', ({ appendUs }) => appendUs, 2],
  ['CPU, µs, when another event leaves for it', ({ rollingUs }) => rollingUs, 2],
  ['memory ÷ what the window may take, then', ({ rollingMemory }) => rollingMemory, 2],
  ['longest batch of 500, ms', ({ longestBatchMs }) => longestBatchMs, 2],
  ['longest collection, ms', ({ longestCollectionMs }) => longestCollectionMs, 2],
]

function readerTable(rounds: readonly WindowRound[]): ReportPart {
  const all = rounds.flatMap(({ readers }) => readers)
  const byCase = Map.groupBy(all, ({ items, behind }) => `${items} ${behind}`)
  const cases = [...byCase.values()].map(readers => {
    const { items = 0, behind = 0 } = readers[0] ?? {}
    return [[String(items), behind.toLocaleString('en-US')], readers] as const
  })
  return caseTable(
    'A reader of every event until it has caught up',
    { head: ['items wanted', 'events behind'], cases },
    [
      ['events read', ({ byWay }) => byWay.chosen.events, 0],
      ['looking at rows, ms', ({ byWay }) => byWay.rows.ms, 2],
      ['following chains, ms', ({ byWay }) => byWay.chains.ms, 2],
      ['as chosen, ms', ({ byWay }) => byWay.chosen.ms, 2],
      ['longest read as chosen, ms', ({ byWay }) => byWay.chosen.longestReadMs, 2],
    ],
  )
}

function conflatedTable(rounds: readonly WindowRound[]): ReportPart {
  const byBehind = Map.groupBy(
    rounds.flatMap(({ conflated }) => conflated),
    ({ behind }) => behind,
  )
  const cases = [...byBehind].map(([behind, own]) => [[behind.toLocaleString('en-US')], own] as const)
  return caseTable(
    'A reader of the newest of every quote until it has caught up',
    { head: ['events behind'], cases },
    [
      ['events read', ({ newest }) => newest.events, 0],
      ['CPU, ms', ({ newest }) => newest.ms, 2],
      ['longest read, ms', ({ newest }) => newest.longestReadMs, 2],
    ],
  )
}
