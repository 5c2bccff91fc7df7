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
import { startPeers } from './peers.ts'
import { runContest, type Turn } from './rounds.ts'
import { openStation } from './station.ts'
import { rowsOf } from './summary.ts'
import { partsOf } from './tables.ts'
import { sameItems, watchLists, type Workload } from './workload.ts'

const summary =
  'the same events, clients and batches through ws, Socket.IO, uWebSockets.js, NATS and Centrifugo'
const defaults: DeliveryDefaults = { name: 'peers', clients: [500, 1000], sizes: [1, 4, 16] }

/** The gateway beside other servers, under both workloads. */
export const peersScenario: Scenario = {
  name: defaults.name,
  summary,
  usage: deliveryUsage(
    `Measures ${summary}, interleaved. --clients: first those with the same items, then those with watch lists.
Socket.IO and uWebSockets.js are installed into .cache/peers by npm when they are first needed; uWebSockets.js takes a Node 18 or 20 on
the path or in TICKER_LOAD_OLD_NODE, NATS and Centrifugo their servers in TICKER_LOAD_NATS and TICKER_LOAD_CENTRIFUGO. What is missing is left out, and the report says so.`,
    defaults,
  ),
  prepare(args) {
    const load = parseDeliveryArguments(args, defaults)
    if (load.isTls) throw new Error('--tls: the other servers are measured without')
    const { json, html } = load
    return { json, html, measure: bench => measure(load, bench) }
  },
}

/** The slowest of them takes some 10 µs for each event and client. */
const usPerDelivery = 15

async function measure(load: DeliveryArguments, bench: Bench): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const [same = 0, watching = same] = load.clients
  const results: { name: string; rounds: readonly (readonly Turn[])[] }[] = []
  const parts: ReportPart[] = []
  for (const workload of [sameItems(same), watchLists(watching)]) {
    const { rounds, absent } = await measureWorkload(workload, { load, ground, bench })
    results.push({ name: workload.name, rounds })
    parts.push(
      { kind: 'text', text: [`${workload.description}.`, ...absent].join(' ') },
      ...partsOf(workload.name, rowsOf(rounds)),
    )
  }
  const report = { title: 'The gateway beside other servers', notes: notesOf(ground.machine, load), parts }
  return outcomeOf(report, { machine: ground.machine, load, results })
}

interface Surroundings {
  readonly load: DeliveryArguments
  readonly ground: Awaited<ReturnType<typeof startGround>>
  readonly bench: Bench
}

/** Everything of a workload is stopped before the next one begins. */
async function measureWorkload(workload: Workload, { load, ground, bench }: Surroundings) {
  await using stack = new AsyncDisposableStack()
  const own = { ...bench, stack }
  const both = await startBoth(load, ground, own)
  bench.say('starting the other servers')
  const { peers, absent } = await startPeers({ cores: ground.cores, workload, form: load.form, stack })
  const stations = []
  for (const peer of [...both, ...peers])
    stations.push(await openStation({ peer, workload, others: ground.cores.others }, own))
  return { rounds: await runContest({ ...load, stations, usPerDelivery }, own), absent }
}
