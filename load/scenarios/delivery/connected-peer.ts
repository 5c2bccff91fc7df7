import type { KafkaBench } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { type CpuUse, residentBytes, watchCpu } from '../../lib/process-figures.ts'
import type { ClientsReceived, StreamClients } from '../../processes/stream-clients.ts'
import type { Peer } from './peers/peer.ts'
import { batchNumbersOf, cumulatedOf, expectedOf, type Schedule, type Workload } from './workload.ts'

/** A server with its clients connected. */
export interface ConnectedPeer {
  readonly peer: Peer
  readonly workload: Workload
  /** The memory that a connection has added to the server, in bytes, uncollected. */
  readonly connectionBytes: number
  /** Delivers the schedule, and waits until every client has all its events. */
  measure(schedule: Schedule): Promise<Phase>
}

/** One measured stretch. */
export interface Phase extends CpuUse {
  /** Events that arrived, one to one client each. */
  readonly deliveries: number
  readonly frames: number
  readonly bytes: number
  /** From when a batch began (for the gateway: just before its request to Kafka) to the clients' `read`. */
  readonly latenciesUs: Float64Array
}

const arrivalTimeoutMs = 60_000

/** Connects a workload's clients, in a process of their own, to a server. */
export async function connectClients(
  peer: Peer,
  workload: Workload,
  { stack, say, cores }: KafkaBench,
): Promise<ConnectedPeer> {
  const { lists } = workload
  say(`${peer.name}: ${lists.length} clients connect`)
  const command = program('processes/stream-clients.ts')
  const clients = startChild<StreamClients>(stack, `clients of ${peer.name}`, command)
  const before = residentBytes(peer.pid)
  await clients.call('open', peer.target, lists)
  return {
    peer,
    workload,
    connectionBytes: (residentBytes(peer.pid) - before) / lists.length,
    async measure(schedule) {
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
