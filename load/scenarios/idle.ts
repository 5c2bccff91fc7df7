import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sseForm, streamOptions } from '../clients/wire-forms.ts'
import { type KafkaBench, measureRounds } from '../lib/bench.ts'
import { program, startChild } from '../lib/child.ts'
import { caseTable } from '../lib/figure-tables.ts'
import { roundsOption } from '../lib/options.ts'
import { residentBytes } from '../lib/process-figures.ts'
import { kafkaScenario, profileOption } from '../lib/scenario.ts'
import { spreadOf } from '../lib/statistics.ts'
import type { StreamClients } from '../processes/stream-clients.ts'
import { startGatewayPeer } from './delivery/peers/gateway-peer.ts'
import type { Peer } from './delivery/peers/peer.ts'
import { startFloor, startWs } from './delivery/peers/peers.ts'
import { watchLists } from './delivery/workload.ts'

export const idle = kafkaScenario({
  name: 'idle',
  summary:
    'memory of an idle session with 20 items, by WebSocket and SSE, plain and over TLS, beside bare sockets and ws',
  details:
    '\nEach session is subscribed to 20 of 500 symbols; each server is measured both plain and over TLS.\n',
  options: {
    rounds: roundsOption(3),
    clients: { help: 'connections', default: 8000, quick: 2000, most: 15_000 },
    form: streamOptions.form,
    profile: profileOption,
  },
  async measure(options, bench) {
    const rounds = await measureRounds(bench, options.rounds, async own => {
      const round = []
      for (const server of servers) {
        own.signal.throwIfAborted()
        own.say(`${options.clients} connections, ${server}`)
        await using stack = new AsyncDisposableStack()
        const peer = await start(server, options, { ...own, stack })
        round.push({ server, ...(await growthOf(peer, options.clients, stack)) })
      }
      return round
    })
    const cases = servers.map(server => {
      return [[server], rounds.flatMap(round => round.filter(growth => growth.server === server))] as const
    })
    const title = 'Memory of a connection, kB'
    return {
      notes: [
        `${options.clients} connections with 20 items each, every round in new processes.`,
        'Resident memory of the server after collections; what the kernel keeps for sockets is not in it.',
        `Beyond the first ${firstClients}, the growth of a young generation to its full size is included;`,
        'in the second half, memory that the first handshakes left free may be used again: the truth lies between.',
      ],
      parts: [
        caseTable(title, { head: ['server'], cases }, [
          [`of all beyond ${firstClients}`, ({ all }) => all / 1000, 1],
          ['of the second half', ({ secondHalf }) => secondHalf / 1000, 1],
        ]),
        {
          kind: 'bars',
          title: `${title}, of all beyond ${firstClients}`,
          unit: 'kB',
          bars: cases.map(([[name], growths]) => ({
            name,
            spread: spreadOf(growths.map(({ all }) => all / 1000)),
            isGateway: name.startsWith('gateway'),
          })),
        },
      ],
      figures: { rounds },
    }
  },
})

/** The first connections add code and caches. */
const firstClients = 500

const servers = [
  'gateway',
  'gateway by SSE',
  'bare sockets',
  'ws',
  'gateway over TLS',
  'gateway by SSE over TLS',
  'bare sockets over TLS',
] as const
type Server = (typeof servers)[number]

/** The options under which SIGUSR2 makes a Node process collect its garbage. */
const collectable: readonly string[] = [
  '--expose-gc',
  '--import',
  fileURLToPath(new URL('../processes/collect-on-signal.ts', import.meta.url)),
]
const collections = 4
/** Memory is given back some time after the collection that found it. */
const settleMs = 400

async function start(
  server: Server,
  { form, profile }: { readonly form: string; readonly profile: string | undefined },
  bench: KafkaBench,
): Promise<Peer> {
  const tls = server.endsWith('TLS')
  if (server.startsWith('gateway'))
    return await startGatewayPeer(
      { form: server.includes('SSE') ? sseForm : form, tls, profile, nodeOptions: collectable },
      bench,
    )
  if (server === 'ws') return await startWs(bench, collectable)
  return await startFloor({ form, tls, nodeOptions: collectable }, bench)
}

/** The memory that a connection adds, in bytes: of all beyond the first ones, and of the second half. */
async function growthOf(peer: Peer, clients: number, stack: AsyncDisposableStack) {
  // Each has a list of its own: sessions that share one share most of their memory.
  const { lists } = watchLists(clients - 1)
  let opened = 0
  const open = async (count: number): Promise<number> => {
    const command = program('processes/stream-clients.ts')
    const child = startChild<StreamClients>(stack, `clients of ${peer.name}`, command)
    await child.call('open', peer.target, lists.slice(opened, opened + count))
    opened += count
    return await collectedBytes(peer.pid)
  }
  const half = Math.round(clients / 2)
  const first = await open(firstClients)
  const middle = await open(half - firstClients)
  const last = await open(clients - half)
  return { all: (last - first) / (clients - firstClients), secondHalf: (last - middle) / (clients - half) }
}

/** The resident memory of such a process after some collections. */
async function collectedBytes(pid: number): Promise<number> {
  for (let collection = 0; collection < collections; collection++) {
    process.kill(pid, 'SIGUSR2')
    await pause(settleMs)
  }
  return residentBytes(pid)
}
