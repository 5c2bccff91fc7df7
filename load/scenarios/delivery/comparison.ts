import { type Bench, type KafkaBench, measureRounds } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { residentBytes, watchCpu } from '../../lib/process-figures.ts'
import { latencyMs } from '../../lib/statistics.ts'
import type { ClientsReceived, StreamClients } from '../../processes/stream-clients.ts'
import type { Peer } from './peers/peer.ts'
import {
  batchNumbersOf,
  cumulatedOf,
  expectedOf,
  makeBatches,
  makeUnwanted,
  type Schedule,
  type Workload,
} from './workload.ts'

/** Servers beside each other under one workload; the floor is among them. */
export interface Comparison {
  /** In the order in which they are measured. */
  readonly peers: readonly ConnectedPeer[]
  /** The time that a batch is given for each delivery, so that no server is overrun. */
  readonly usPerDelivery: number
  readonly rounds: number
  readonly seconds: number
  readonly batch: readonly number[]
}

/** What one server used in one round with batches of one size. */
export interface PeerFigures extends OwnFigures {
  /** Its fan-out's CPU as a ratio to that of the floor and of the gateway in the same round. */
  readonly toFloor: number
  readonly toGateway: number
  /** The ratio of all CPU to the floor's. */
  readonly wholeToFloor: number
}

/** What one server used. */
export type OwnFigures = ReturnType<typeof figuresOf>

/** The time that a batch is given for each client. */
const usPerClient = 16
const leastIntervalMs = 10
const fewestBatches = 10
const trialBatches = 50

/** Measures every server with every size of batch in each round, after a round that is thrown away. */
export async function compare(comparison: Comparison, bench: Bench): Promise<PeerFigures[][]> {
  const warmUp = { ...bench, say: (what: string) => bench.say(`warm-up: ${what}`) }
  await measureRound(comparison, warmUp)
  return await measureRounds(bench, comparison.rounds, own => measureRound(comparison, own))
}

async function measureRound(comparison: Comparison, { say, signal }: Bench): Promise<PeerFigures[]> {
  const round: PeerFigures[] = []
  for (const size of comparison.batch) {
    const ofSize: OwnFigures[] = []
    for (const connected of comparison.peers) {
      signal.throwIfAborted()
      say(`${connected.workload.name}, ${size} a batch, ${connected.peer.name}`)
      ofSize.push(await measureOnce(connected, comparison, size))
    }
    const ratioTo = (name: string, own: OwnFigures, figure: 'fanoutUs' | 'wholeUs'): number =>
      own[figure] / (ofSize.find(({ peer }) => peer === name)?.[figure] ?? Number.NaN)
    for (const own of ofSize) {
      const toFloor = ratioTo('floor', own, 'fanoutUs')
      const toGateway = ratioTo('gateway', own, 'fanoutUs')
      round.push({ ...own, toFloor, toGateway, wholeToFloor: ratioTo('floor', own, 'wholeUs') })
    }
  }
  return round
}

/** Measures one server with batches of one size. */
export async function measureOnce(
  connected: ConnectedPeer,
  { seconds, usPerDelivery }: Pick<Comparison, 'seconds' | 'usPerDelivery'>,
  size: number,
): Promise<OwnFigures> {
  const { workload, peer } = connected
  const intervalMs = intervalOf(workload, usPerDelivery, size)
  const count = Math.max(fewestBatches, Math.round((seconds * 1000) / intervalMs))
  const reading = peer.readsLog
    ? await connected.measure({ batches: makeUnwanted(count, size), intervalMs })
    : undefined
  const phase = await connected.measure({ batches: makeBatches(workload, count, size), intervalMs })
  return figuresOf({ connected, size, batches: count }, phase, reading)
}

/** The time from one batch to the next: the servers and the clients can keep up. */
function intervalOf(workload: Workload, usPerDelivery: number, size: number): number {
  const trial = makeBatches(workload, trialBatches, size)
  const deliveries = (cumulatedOf(workload, trial).at(-1) ?? 0) / trial.length
  const us = Math.max(deliveries * usPerDelivery, workload.lists.length * usPerClient)
  return Math.max(leastIntervalMs, us / 1000)
}

interface Measured {
  readonly connected: ConnectedPeer
  /** Events of a batch. */
  readonly size: number
  readonly batches: number
}

function figuresOf(
  { connected, size, batches }: Measured,
  { deliveries, frames, bytes, latenciesUs, ...cpu }: Phase,
  reading: Phase | undefined,
) {
  return {
    peer: connected.peer.name,
    /** Events of a batch. */
    size,
    /** Without reading the log: the CPU of the same batches when nobody wants them is taken off. */
    fanoutUs: (cpu.serverCpuUs - (reading?.serverCpuUs ?? 0)) / deliveries,
    /** Everything. */
    wholeUs: cpu.serverCpuUs / deliveries,
    bytes: bytes / deliveries,
    eventsPerFrame: deliveries / frames,
    ...latencyMs(latenciesUs),
    connectionKilobytes: connected.connectionBytes / 1000,
    serverShare: cpu.serverShare,
    clientsShare: cpu.clientsShare,
    othersBusy: cpu.othersBusy,
    batches,
    deliveries,
  }
}

/** A server with its clients connected. */
export type ConnectedPeer = Awaited<ReturnType<typeof connectClients>>
/** One measured stretch. */
type Phase = Awaited<ReturnType<ConnectedPeer['measure']>>

const arrivalTimeoutMs = 60_000

/** Connects a workload's clients, in a process of their own, to a server. */
export async function connectClients(peer: Peer, workload: Workload, { stack, say, cores }: KafkaBench) {
  const { lists } = workload
  say(`${peer.name}: ${lists.length} clients connect`)
  const command = program('processes/stream-clients.ts')
  const clients = startChild<StreamClients>(stack, `clients of ${peer.name}`, command)
  const before = residentBytes(peer.pid)
  await clients.call('open', peer.target, lists)
  return {
    peer,
    workload,
    /** The memory that a connection has added to the server, uncollected. */
    connectionBytes: (residentBytes(peer.pid) - before) / lists.length,
    /** Delivers the schedule, and waits until every client has all its events. */
    async measure(schedule: Schedule) {
      await peer.prepare(schedule)
      await clients.call('begin', expectedOf(workload, schedule.batches))
      const cpuUse = watchCpu({ server: peer.pid, clients: clients.pid }, cores.others)
      const deliveries = cumulatedOf(workload, schedule.batches)
      const startsUs = await peer.run(schedule, batch => clients.call('reached', deliveries[batch] ?? 0))
      const received = await clients.call('received', arrivalTimeoutMs)
      const { events, frames, bytes } = received
      const latenciesUs = latenciesOf(received, schedule, { workload, startsUs })
      return { ...cpuUse(), deliveries: events, frames, bytes, latenciesUs }
    },
  }
}

function latenciesOf(
  { samples }: ClientsReceived,
  { batches }: Schedule,
  { workload, startsUs }: { readonly workload: Workload; readonly startsUs: Float64Array },
): Float64Array {
  const latencies = samples.flatMap(({ client, atUs }) => {
    const numbers = batchNumbersOf(workload.lists[client] ?? [], batches)
    return [...atUs].map((us, index) => us - (startsUs[numbers[index] ?? 0] ?? Number.NaN))
  })
  return Float64Array.from(latencies)
}
