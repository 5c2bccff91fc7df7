import { readDevelopmentCertificate } from '../../src/auth/development-certificate.ts'
import { readOptions } from '../../src/commands/command-line.ts'
import { Child } from '../child-calls.ts'
import type { Clients } from '../delivery/clients.ts'
import { startGatewayPeer } from '../delivery/gateway-peer.ts'
import type { Peer } from '../delivery/peer.ts'
import { startFloor, startWs } from '../delivery/peers.ts'
import { watchLists } from '../delivery/workload.ts'
import { showSpread } from '../figures.ts'
import { type Ground, startGround } from '../ground.ts'
import {
  type StreamArguments,
  streamArguments,
  streamOptions,
  streamOptionsText,
  wholeOption,
} from '../options.ts'
import { program } from '../program.ts'
import { outcomeOf, type ReportPart } from '../report.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { spreadOf } from '../statistics.ts'
import { collectable, collectedBytes } from './collected-bytes.ts'

const name = 'idle'

interface IdleArguments extends StreamArguments {
  readonly rounds: number
  readonly clients: number
}

const usage = `Measures the memory of connections on which nothing happens, each subscribed to 20 of 500 symbols, plain and over TLS.

  npm run load -- idle [options]

  --rounds N         every server is started and measured N times in turn, medians are shown (3)
  --clients N        how many connections (8000)
  --quick            one round of 2000
${streamOptionsText}`

/** The memory of an idle session. */
export const idleScenario: Scenario = {
  name,
  summary: 'memory of an idle session with 20 items, plain and over TLS, beside bare sockets and ws',
  usage,
  prepare(args) {
    const { values } = readOptions({
      args: [...args],
      options: { ...streamOptions, clients: { type: 'string' } },
    })
    const load = {
      ...streamArguments(name, values),
      rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '3'), 20),
      clients: wholeOption('--clients', values.clients ?? (values.quick ? '2000' : '8000'), 15_000),
    }
    return { json: load.json, html: load.html, measure: bench => measure(load, bench) }
  },
}

/** What the first connections add is code and caches. */
const firstClients = 500

/** What a connection adds, in bytes. */
interface Growth {
  /** Of all beyond the first ones: a young generation that grows to its full size is in it. */
  readonly all: number
  /** Of the second half: what the handshakes of the first half left free may have been used again. */
  readonly secondHalf: number
}

const subjects = ['gateway', 'bare sockets', 'ws', 'gateway over TLS', 'bare sockets over TLS'] as const
type Subject = (typeof subjects)[number]

async function measure(load: IdleArguments, bench: Bench): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const growths = new Map<Subject, Growth[]>(subjects.map(subject => [subject, []]))
  for (let round = 1; round <= load.rounds; round++) {
    for (const subject of subjects) {
      bench.signal.throwIfAborted()
      bench.say(`round ${round} of ${load.rounds}: ${load.clients} connections, ${subject}`)
      await using stack = new AsyncDisposableStack()
      const peer = await start(subject, { load, ground, bench: { ...bench, stack } })
      growths.get(subject)?.push(await growthOf(peer, load.clients, stack))
    }
  }
  const report = {
    title: 'Idle connections',
    notes: [
      `${ground.machine.join('; ')}.`,
      `${load.clients.toLocaleString('en-US')} connections with 20 items each; ${load.rounds} round${load.rounds === 1 ? '' : 's'} in new processes; median (lowest–highest round).`,
      `Resident memory of the server after collections; what the kernel keeps for sockets is not in it. Beyond the first ${firstClients}, a young generation that grows to its full size is counted; in the second half, what the handshakes of the first left free may have been used again: the truth lies between.`,
    ],
    parts: partsOf(growths),
  }
  return outcomeOf(report, { machine: ground.machine, load, growths: Object.fromEntries(growths) })
}

interface Surroundings {
  readonly load: IdleArguments
  readonly ground: Ground
  readonly bench: Bench
}

async function start(subject: Subject, { load, ground, bench }: Surroundings): Promise<Peer> {
  const isTls = subject.endsWith('TLS')
  const { form, profile } = load
  if (subject.startsWith('gateway'))
    return await startGatewayPeer({ ground, bench, form, isTls, profile, nodeOptions: collectable })
  const options = { cores: ground.cores, form, stack: bench.stack, nodeOptions: collectable }
  if (subject === 'ws') return await startWs(options)
  return await startFloor(options, isTls ? await readDevelopmentCertificate('development') : undefined)
}

async function growthOf(peer: Peer, clients: number, stack: AsyncDisposableStack): Promise<Growth> {
  // Each has a list of its own: sessions that share one share most of what it takes.
  const { lists } = watchLists(clients - 1)
  let opened = 0
  const open = async (count: number): Promise<number> => {
    const child = new Child<Clients>(`clients of ${peer.name}`, program('delivery/clients.ts'))
    stack.defer(() => child.stop())
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

function partsOf(growths: ReadonlyMap<Subject, readonly Growth[]>): ReportPart[] {
  const rows = [...growths].map(([subject, values]) => ({
    subject,
    all: spreadOf(values.map(({ all }) => all / 1000)),
    secondHalf: spreadOf(values.map(({ secondHalf }) => secondHalf / 1000)),
  }))
  return [
    {
      kind: 'table',
      title: 'Memory of a connection',
      head: ['server', `kB, of all beyond ${firstClients}`, 'kB, of the second half'],
      rows: rows.map(({ subject, all, secondHalf }) => [
        subject,
        showSpread(all, 1),
        showSpread(secondHalf, 1),
      ]),
    },
    {
      kind: 'bars',
      title: `Memory of a connection, of all beyond ${firstClients}`,
      unit: 'kB',
      bars: rows.map(({ subject, all }) => ({
        name: subject,
        spread: all,
        isOurs: subject.startsWith('gateway'),
      })),
    },
  ]
}
