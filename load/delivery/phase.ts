import type { Child } from '../child-calls.ts'
import { coreTicks, processCpuUs } from '../cpu-clock.ts'
import { monotonicUs } from '../monotonic-clock.ts'
import type { Clients, ClientsReceived } from './clients.ts'
import type { Peer } from './peer.ts'
import { batchNumbersOf, cumulatedOf, expectedOf, type Schedule, type Workload } from './workload.ts'

/** A server with its clients connected. */
export interface Station {
  readonly peer: Peer
  readonly clients: Child<Clients>
  readonly workload: Workload
  /** The cores beside the server's. */
  readonly others: readonly number[]
  /** What a connection has added to the server's memory, in bytes, uncollected. */
  readonly connectionBytes: number
}

/** One measured stretch. */
export interface Phase {
  /** CPU of the server's process, all threads, kernel included. */
  readonly serverCpuUs: number
  readonly serverShare: number
  /** How busy the process of the clients was, 0 to 1. */
  readonly clientsShare: number
  /** How busy the cores beside the server's were, 0 to 1. */
  readonly othersBusy: number
  /** Events that arrived, one to one client each. */
  readonly deliveries: number
  readonly frames: number
  readonly bytes: number
  /** From when a batch began (for the gateway: just before its request to Kafka) to the clients' `read`. */
  readonly latenciesUs: Float64Array
}

const patienceMs = 60_000

/** Delivers the schedule, and waits until every client has what is for it. */
export async function measurePhase(station: Station, schedule: Schedule): Promise<Phase> {
  const { peer, clients, workload } = station
  await peer.prepare(schedule)
  await clients.call('begin', expectedOf(workload, schedule.batches))
  const before = readings(station)
  const deliveries = cumulatedOf(workload, schedule.batches)
  const startsUs = await peer.run(schedule, batch => clients.call('reached', deliveries[batch] ?? 0))
  const received = await clients.call('received', patienceMs)
  const after = readings(station)
  const us = after.us - before.us
  return {
    serverCpuUs: after.serverCpuUs - before.serverCpuUs,
    serverShare: (after.serverCpuUs - before.serverCpuUs) / us,
    clientsShare: (after.clientsCpuUs - before.clientsCpuUs) / us,
    othersBusy: (after.others.busy - before.others.busy) / (after.others.all - before.others.all),
    deliveries: received.events,
    frames: received.frames,
    bytes: received.bytes,
    latenciesUs: latenciesOf(received, { workload, schedule, startsUs }),
  }
}

function readings({ peer, clients, others }: Station) {
  return {
    serverCpuUs: processCpuUs(peer.pid),
    clientsCpuUs: processCpuUs(clients.pid),
    others: coreTicks(others),
    us: monotonicUs(),
  }
}

interface Origin {
  readonly workload: Workload
  readonly schedule: Schedule
  readonly startsUs: Float64Array
}

function latenciesOf({ samples }: ClientsReceived, { workload, schedule, startsUs }: Origin): Float64Array {
  const latencies = samples.flatMap(({ client, atUs }) => {
    const numbers = batchNumbersOf(workload.lists[client] ?? [], schedule.batches)
    return [...atUs].map((us, index) => us - (startsUs[numbers[index] ?? 0] ?? Number.NaN))
  })
  return Float64Array.from(latencies)
}
