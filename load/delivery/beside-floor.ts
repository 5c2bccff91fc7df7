import { readDevelopmentCertificate } from '../../src/auth/development-certificate.ts'
import { startGround } from '../ground.ts'
import { hottestFunctions } from '../profile.ts'
import { outcomeOf } from '../report.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import {
  type DeliveryArguments,
  type DeliveryDefaults,
  deliveryUsage,
  parseDeliveryArguments,
} from './arguments.ts'
import { startGatewayPeer } from './gateway-peer.ts'
import { notesOf } from './notes.ts'
import type { Peer } from './peer.ts'
import { startFloor } from './peers.ts'
import { runContest } from './rounds.ts'
import { openStation } from './station.ts'
import { rowsOf } from './summary.ts'
import { partsOf } from './tables.ts'
import { sameItems, watchLists, type Workload } from './workload.ts'

/** The gateway beside the least that Node could do, every client with the same items. */
export const sameItemsScenario = besideFloor({
  name: 'same-items',
  summary: 'fan-out of batches of 1, 4 and 16 events to 500 clients with the same items, beside the floor',
  clients: [500],
  workload: sameItems,
})

/** The same with a list of its own for each client. */
export const watchListsScenario = besideFloor({
  name: 'watch-lists',
  summary: 'the same to 1,000 clients with watch lists of their own',
  clients: [1000],
  workload: watchLists,
})

interface BesideFloor {
  readonly name: string
  readonly summary: string
  readonly clients: readonly number[]
  readonly workload: (clients: number) => Workload
}

/** No server of the two needs more for a delivery. */
const usPerDelivery = 0

function besideFloor({ name, summary, clients, workload }: BesideFloor): Scenario {
  const defaults: DeliveryDefaults = { name, clients, sizes: [1, 4, 16] }
  return {
    name,
    summary,
    usage: deliveryUsage(`Measures ${summary}.`, defaults),
    prepare(args) {
      const load = parseDeliveryArguments(args, defaults)
      const { json, html, profile } = load
      return {
        json,
        html,
        measure: bench => measure(load, workload, bench),
        ...(profile === undefined ? {} : { afterwards: () => hottestFunctions(profile) }),
      }
    },
  }
}

async function measure(
  load: DeliveryArguments,
  workloadOf: (clients: number) => Workload,
  bench: Bench,
): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const [gateway, floor] = await startBoth(load, ground, bench)
  const workload = workloadOf(load.clients[0] ?? 0)
  const { others } = ground.cores
  const stations = [
    await openStation({ peer: gateway, workload, others }, bench),
    await openStation({ peer: floor, workload, others }, bench),
  ]
  const rounds = await runContest({ ...load, stations, usPerDelivery }, bench)
  const report = {
    title: `${workload.name}: the gateway beside the floor`,
    notes: [`${workload.description}.`, ...notesOf(ground.machine, load)],
    parts: partsOf(workload.name, rowsOf(rounds)),
  }
  return outcomeOf(report, { machine: ground.machine, load, rounds })
}

/** Starts the gateway and the floor, both plain or both over TLS. */
export async function startBoth(
  load: Pick<DeliveryArguments, 'form' | 'isTls' | 'profile'>,
  ground: Awaited<ReturnType<typeof startGround>>,
  bench: Bench,
): Promise<readonly [gateway: Peer, floor: Peer]> {
  const gateway = await startGatewayPeer({ ...load, ground, bench })
  const tls = load.isTls ? await readDevelopmentCertificate('development') : undefined
  const floor = await startFloor({ cores: ground.cores, form: load.form, stack: bench.stack }, tls)
  return [gateway, floor]
}
