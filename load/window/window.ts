import { Child } from '../child-calls.ts'
import { divideCores } from '../cores.ts'
import { describeMachine } from '../machine.ts'
import { program } from '../program.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { parseWindowArguments, type WindowArguments, windowUsage } from './arguments.ts'
import { renderWindow } from './report.ts'
import { type CatchUp, type Taking, type Way, ways } from './measured.ts'
import type { WindowProcess } from './window-process.ts'

/** The window of recent events. */
export const window: Scenario = {
  name: 'window',
  summary: 'the window of recent events: memory and CPU of an event, cost of readers that are behind',
  usage: windowUsage,
  prepare(args) {
    const load = parseWindowArguments(args)
    return { json: load.json, measure: bench => measure(load, bench) }
  },
}

/** Readers of so many items, each so far behind. */
export interface ReaderCase {
  readonly items: number
  readonly behind: number
  readonly byWay: Readonly<Record<Way, CatchUp>>
}

export interface WindowRound {
  readonly taking: Taking
  readonly readers: readonly ReaderCase[]
  readonly conflating: readonly { readonly behind: number; readonly newest: CatchUp }[]
}

const wantedItems = [1, 20, 100, 500, 2000]

async function measure(load: WindowArguments, bench: Bench): Promise<Outcome> {
  const cores = divideCores()
  const machine = [...describeMachine(), cores.description]
  const rounds: WindowRound[] = []
  for (let round = 1; round <= load.rounds; round++) {
    bench.signal.throwIfAborted()
    bench.say(`round ${round} of ${load.rounds}`)
    const child = new Child<WindowProcess>(
      'window',
      cores.server(program('window/window-process.ts', ['--expose-gc'])),
    )
    bench.stack.defer(() => child.stop())
    rounds.push(await measureOnce(child, load))
    child.stop()
  }
  return { text: renderWindow({ machine, load, rounds }), figures: { machine, load, rounds } }
}

async function measureOnce(
  child: Child<WindowProcess>,
  { events, symbols }: WindowArguments,
): Promise<WindowRound> {
  const taking = await child.call('take', events, symbols)
  const readers: ReaderCase[] = []
  for (const behind of [10_000, events]) {
    for (const items of wantedItems) {
      const figures: Partial<Record<Way, CatchUp>> = {}
      for (const way of ways) figures[way] = await child.call('catchUp', way, items, behind)
      // Every way was measured.
      readers.push({ items, behind, byWay: figures as Record<Way, CatchUp> })
    }
  }
  const conflating: { behind: number; newest: CatchUp }[] = []
  for (const behind of [100, 1000, 10_000, events]) {
    conflating.push({ behind, newest: await child.call('conflate', behind) })
  }
  return { taking, readers, conflating }
}
