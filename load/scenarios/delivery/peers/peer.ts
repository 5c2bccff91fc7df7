import type { HandshakeName, StreamTarget } from '../../../clients/stream-socket.ts'
import type { Bench } from '../../../lib/bench.ts'
import { startChild } from '../../../lib/child.ts'
import type { Command } from '../../../lib/machine.ts'
import type { Batch, Schedule } from '../workload.ts'
import { emitInTurn, type PeerFunctions } from './peer-program.ts'

/** A server under measurement, the gateway included; it runs until its bench ends. */
export interface Peer {
  readonly name: string
  /** The process whose CPU counts. */
  readonly pid: number
  readonly target: StreamTarget
  /** Whether its events come from a log, so that a part of its CPU is reading. */
  readonly readsLog: boolean
  /** Prepares `run`, unmeasured. */
  prepare(schedule: Schedule): Promise<void>
  /**
   * Delivers the batches at their pace; resolves with the time at which each began, by the monotonic clock.
   * `arrived` resolves when a batch has come to every client: a server that might merge two batches waits for
   * it.
   */
  run(schedule: Schedule, arrived: (batch: number) => Promise<void>): Promise<Float64Array>
}

/** A server to which this process sends the batches, each when the one before has arrived everywhere. */
export function peerSentTo(
  server: Omit<Peer, 'prepare' | 'run'>,
  createSend: (batch: Batch) => () => unknown,
): Peer {
  let sends: readonly (() => unknown)[] = []
  return {
    ...server,
    async prepare({ batches }) {
      sends = batches.map(createSend)
    },
    run: ({ intervalMs }, arrived) => emitInTurn(sends, intervalMs, arrived),
  }
}

/** A target on 127.0.0.1 whose clients open their streams in this way. */
export function loopbackTarget(
  port: number,
  handshake: HandshakeName,
  { isTls = false, form }: { readonly isTls?: boolean; readonly form?: string } = {},
): StreamTarget {
  const access = { kind: 'peer', handshake, ...(form === undefined ? {} : { form }) } as const
  return { address: { host: '127.0.0.1', port, isTls }, access }
}

export interface ChildPeerOptions {
  readonly name: string
  readonly command: Command
  readonly handshake: HandshakeName
  /** The wire form of its events, where it is the floor. */
  readonly form?: string
  /** Where its certificate lies, if it serves TLS. */
  readonly pairFile?: string | undefined
}

/** Starts a server that is a program of ours (`servePeer`), on the server's core. */
export async function startChildPeer(options: ChildPeerOptions, { cores, stack }: Bench): Promise<Peer> {
  const { name, command, handshake, pairFile, ...form } = options
  const child = startChild<PeerFunctions>(stack, name, cores.server(command))
  const port = await child.call('listen', pairFile)
  return {
    name,
    pid: child.pid,
    readsLog: false,
    target: loopbackTarget(port, handshake, { ...form, isTls: pairFile !== undefined }),
    prepare: ({ batches }) => child.call('prepare', batches),
    run: ({ intervalMs }) => child.call('run', intervalMs),
  }
}
