import { Child } from '../child-calls.ts'
import type { Cores } from '../cores.ts'
import type { ClientsTarget } from './clients.ts'
import type { PeerFunctions, TlsFiles } from './peer-program.ts'
import type { Schedule } from './workload.ts'

/** A server under measurement, the gateway included; it runs until its bench ends. */
export interface Peer {
  readonly name: string
  /** The process whose CPU counts. */
  readonly pid: number
  readonly target: ClientsTarget
  /** Whether its events come from a log, so that a part of its CPU is reading. */
  readonly isReader: boolean
  /** What comes before `run`, unmeasured. */
  prepare(schedule: Schedule): Promise<void>
  /**
   * Delivers the batches at their pace; resolves with when each began, by the monotonic clock. `arrived` resolves when a batch has come
   * to everyone: who might merge two batches waits for it.
   */
  run(schedule: Schedule, arrived: (batch: number) => Promise<void>): Promise<Float64Array>
}

export interface ChildPeerOptions {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly access: Extract<ClientsTarget['access'], { readonly kind: 'peer' }>
  readonly cores: Cores
  readonly tls?: TlsFiles | undefined
  readonly stack: AsyncDisposableStack
}

/** Starts a server that is a program of ours (`servePeer`), on the server's core. */
export async function startChildPeer(options: ChildPeerOptions): Promise<Peer> {
  const { name, command, access, cores, tls, stack } = options
  const child = new Child<PeerFunctions>(name, cores.server(command))
  stack.defer(() => child.stop())
  const port = await child.call('listen', tls)
  return {
    name,
    pid: child.pid,
    isReader: false,
    target: { host: '127.0.0.1', port, isTls: tls !== undefined, access },
    prepare: ({ batches }) => child.call('prepare', batches),
    run: ({ intervalMs }) => child.call('run', intervalMs),
  }
}
