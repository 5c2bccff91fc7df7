import { showSpread } from '../figures.ts'
import { startGround } from '../ground.ts'
import { outcomeOf, type ReportPart } from '../report.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import {
  type DeliveryArguments,
  type DeliveryDefaults,
  deliveryUsage,
  parseDeliveryArguments,
} from './arguments.ts'
import { startBoth } from './beside-floor.ts'
import { notesOf } from './notes.ts'
import { runContest } from './rounds.ts'
import { openStation } from './station.ts'
import { type Row, rowsOf } from './summary.ts'
import { partsOf } from './tables.ts'
import { watchLists } from './workload.ts'

const summary = 'watch lists with 100, 1,000 and 10,000 clients: does the ratio to the floor hold?'
const defaults: DeliveryDefaults = { name: 'scale', clients: [100, 1000, 10_000], sizes: [4] }

/** The gateway beside the floor, with ever more clients. */
export const scaleScenario: Scenario = {
  name: defaults.name,
  summary,
  usage: deliveryUsage(`Measures ${summary}`, defaults),
  prepare(args) {
    const load = parseDeliveryArguments(args, defaults)
    const { json, html } = load
    return { json, html, measure: bench => measure(load, bench) }
  },
}

/** So many clients, and what each server used. */
interface Level {
  readonly clients: number
  readonly rows: readonly Row[]
}

async function measure(load: DeliveryArguments, bench: Bench): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const byClients: Level[] = []
  const figures: object[] = []
  for (const clients of load.clients) {
    await using stack = new AsyncDisposableStack()
    const own = { ...bench, stack }
    const workload = watchLists(clients)
    const stations = []
    for (const peer of await startBoth(load, ground, own))
      stations.push(await openStation({ peer, workload, others: ground.cores.others }, own))
    const rounds = await runContest({ ...load, stations, usPerDelivery: 0 }, own)
    byClients.push({ clients, rows: rowsOf(rounds) })
    figures.push({ clients, rounds })
  }
  const parts: ReportPart[] = [
    ratiosOf(byClients),
    curvesOf(byClients),
    ...byClients.flatMap(({ clients, rows }) =>
      partsOf(`${clients.toLocaleString('en-US')} watch lists`, rows),
    ),
  ]
  const report = { title: 'More clients', notes: notesOf(ground.machine, load), parts }
  return outcomeOf(report, { machine: ground.machine, load, figures })
}

function ratiosOf(
  byClients: readonly { readonly clients: number; readonly rows: readonly Row[] }[],
): ReportPart {
  const rows = byClients.flatMap(({ clients, rows: own }) =>
    own
      .filter(({ peer }) => peer === 'gateway')
      .map(row => [
        clients.toLocaleString('en-US'),
        String(row.size),
        showSpread(row.figures.fanoutUs, 3),
        showSpread(row.ratioTo('floor'), 2),
        showSpread(row.wholeRatioTo('floor'), 2),
      ]),
  )
  const head = ['clients', 'events a batch', 'gateway, µs a delivery', '÷ floor', 'with reading ÷ floor']
  return { kind: 'table', title: 'The gateway beside the floor with as many clients', head, rows }
}

function curvesOf(byClients: readonly Level[]): ReportPart {
  const [first] = byClients
  const lines = (first?.rows ?? []).map(({ peer, size }) => ({
    name: `${peer}, ${size} a batch`,
    points: byClients.flatMap(({ clients, rows }) =>
      rows
        .filter(row => row.peer === peer && row.size === size)
        .map(row => [clients, row.figures.fanoutUs.median] as const),
    ),
  }))
  return {
    kind: 'lines',
    title: 'Server CPU with ever more clients',
    xName: 'clients',
    yName: 'µs a delivery',
    lines,
  }
}
