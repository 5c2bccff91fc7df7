import { UsageError } from '../../../src/commands/command-line.ts'
import { streamOptions } from '../../clients/wire-forms.ts'
import { roundsOption } from '../../lib/options.ts'
import { kafkaScenario, profileOption, type Scenario } from '../../lib/scenario.ts'
import { comparisonNotes, comparisonParts, type Level, scaleParts } from './comparison-report.ts'
import { compare, connectClients } from './comparison.ts'
import { startGatewayPeer } from './peers/gateway-peer.ts'
import { startFloor, startPeers } from './peers/peers.ts'
import { sameItems as sameItemsOf, watchLists as watchListsOf, type Workload } from './workload.ts'

/** The gateway beside the least that Node could do, every client with the same items. */
export const sameItems = delivery({
  name: 'same-items',
  summary: 'fan-out of batches of 1, 4 and 16 events to 500 clients with the same items, beside the floor',
  clients: [500],
  workloads: clients => clients.map(sameItemsOf),
})

/** The same with a list of its own for each client. */
export const watchLists = delivery({
  name: 'watch-lists',
  summary: 'fan-out to 1,000 clients with watch lists of their own, beside the floor',
  clients: [1000],
  workloads: clients => clients.map(watchListsOf),
})

/** The gateway beside the floor, with ever more clients. */
export const scale = delivery({
  name: 'scale',
  summary: 'watch lists with 100, 1,000 and 10,000 clients: does the ratio to the floor hold?',
  clients: [100, 1000, 10_000],
  batch: [4],
  workloads: clients => clients.map(watchListsOf),
})

/** The gateway beside other servers, under both workloads. */
export const peers = delivery({
  name: 'peers',
  summary: 'the same events, clients and batches through ws, Socket.IO, uWebSockets.js, NATS and Centrifugo',
  details: `
The first --clients have the same items, the second have watch lists.
npm installs Socket.IO and uWebSockets.js into .cache/peers when they are first needed. uWebSockets.js takes a
Node 18 or 20 on the path or in TICKER_LOAD_OLD_NODE; TICKER_LOAD_NATS and TICKER_LOAD_CENTRIFUGO name the
servers of NATS and Centrifugo. A server that is missing is left out, and the report says so.
`,
  clients: [500, 1000],
  workloads: ([same = 0, watching = same]) => [sameItemsOf(same), watchListsOf(watching)],
  hasPeers: true,
})

interface Delivery {
  readonly name: string
  readonly summary: string
  readonly details?: string
  /** The defaults of `--clients` and `--batch`. */
  readonly clients: readonly number[]
  readonly batch?: readonly number[]
  readonly workloads: (clients: readonly number[]) => readonly Workload[]
  /** Whether other servers are measured too. */
  readonly hasPeers?: boolean
}

/** The slowest of the other servers takes some 10 µs for each event and client. */
const peerUsPerDelivery = 15

function delivery({ workloads, hasPeers = false, ...declared }: Delivery): Scenario {
  const { clients, batch = [1, 4, 16], ...texts } = declared
  return kafkaScenario({
    ...texts,
    options: {
      rounds: roundsOption(5),
      seconds: { help: 'length of each phase, in seconds', default: 2, quick: 1, most: 60 },
      clients: { help: 'clients', default: clients, most: 15_000 },
      batch: { help: 'events per batch', default: batch, most: 400 },
      ...streamOptions,
      profile: profileOption,
    },
    async measure(options, bench) {
      if (hasPeers && options.tls)
        throw new UsageError('--tls: the other servers are measured without; leave it out')
      const usPerDelivery = hasPeers ? peerUsPerDelivery : 0
      const levels: Level[] = []
      for (const workload of workloads(options.clients)) {
        // Everything of a workload is stopped before the next one begins.
        await using stack = new AsyncDisposableStack()
        const own = { ...bench, stack }
        const { form, tls, profile } = options
        const gateway = await startGatewayPeer({ form, tls, profile }, own)
        const floor = await startFloor({ form, tls }, own)
        const others = hasPeers ? await startPeers(workload, own) : { started: [], absent: [] }
        const connected = []
        for (const peer of [gateway, floor, ...others.started])
          connected.push(await connectClients(peer, workload, own))
        const rounds = await compare({ peers: connected, usPerDelivery, ...options }, own)
        levels.push({ workload, absent: others.absent, rounds })
      }
      const parts = levels.flatMap(comparisonParts)
      return {
        notes: comparisonNotes,
        parts: levels.length > 1 && !hasPeers ? [...scaleParts(levels), ...parts] : parts,
        figures: {
          levels: levels.map(({ workload, rounds }) => ({ workload: workload.description, rounds })),
        },
      }
    },
  })
}
