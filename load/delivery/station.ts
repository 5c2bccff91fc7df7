import { readFileSync } from 'node:fs'
import { Child } from '../child-calls.ts'
import { program } from '../program.ts'
import type { Bench } from '../scenario.ts'
import type { Clients } from './clients.ts'
import type { Peer } from './peer.ts'
import type { Station } from './phase.ts'
import type { Workload } from './workload.ts'

export interface StationOptions {
  readonly peer: Peer
  readonly workload: Workload
  readonly others: readonly number[]
}

/** Connects a workload's clients, in a process of their own, to a server. */
export async function openStation(options: StationOptions, { stack, say }: Bench): Promise<Station> {
  const { peer, workload } = options
  say(`${peer.name}: ${workload.lists.length} clients connect`)
  const clients = new Child<Clients>(`clients of ${peer.name}`, program('delivery/clients.ts'))
  stack.defer(() => clients.stop())
  const before = residentBytes(peer.pid)
  await clients.call('open', peer.target, workload.lists)
  const connectionBytes = (residentBytes(peer.pid) - before) / workload.lists.length
  return { ...options, clients, connectionBytes }
}

/** The resident memory of a process. */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
