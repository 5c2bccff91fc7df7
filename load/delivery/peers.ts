import type { Cores } from '../cores.ts'
import { program } from '../program.ts'
import { messageOf } from '../../src/diagnostics/ticker-error.ts'
import { startCentrifugo } from './centrifugo-peer.ts'
import { startNats } from './nats-peer.ts'
import { type Peer, startChildPeer } from './peer.ts'
import { oldNode, peerPackage } from './peer-packages.ts'
import type { TlsFiles } from './peer-program.ts'
import type { Workload } from './workload.ts'

export interface PeerOptions {
  readonly cores: Cores
  readonly workload: Workload
  /** Of the floor's frames. */
  readonly form: string
  readonly stack: AsyncDisposableStack
  /** Options for Node itself, for the servers that are ours. */
  readonly nodeOptions?: readonly string[]
}

/** Other servers, and why some are not there. */
export interface Peers {
  readonly peers: readonly Peer[]
  readonly absent: readonly string[]
}

const socketIo = { name: 'socket.io', version: '4.8.4', entry: 'wrapper.mjs' } as const
const uws = {
  name: '@trufflesuite/uws-js-unofficial',
  version: '20.30.0-unofficial.0',
  entry: 'src/uws.js',
} as const
/** Those that its binaries are for. */
const uwsNodes = [20, 18]

/** The least that Node can do with the same bytes. */
export function startFloor(
  { cores, form, stack, nodeOptions }: Omit<PeerOptions, 'workload'>,
  tls?: TlsFiles,
): Promise<Peer> {
  const command = program('delivery/peers/floor-peer.ts', nodeOptions, [form])
  const access = { kind: 'peer', greeting: 'query', form } as const
  return startChildPeer({ name: 'floor', command, access, cores, tls, stack })
}

/** The obvious server with `ws`. */
export function startWs({
  cores,
  stack,
  nodeOptions,
}: Pick<PeerOptions, 'cores' | 'stack' | 'nodeOptions'>): Promise<Peer> {
  const command = program('delivery/peers/ws-peer.ts', nodeOptions)
  const access = { kind: 'peer', greeting: 'query' } as const
  return startChildPeer({ name: 'ws', command, access, cores, stack })
}

/** Starts every other server that this machine has. */
export async function startPeers(options: PeerOptions): Promise<Peers> {
  const peers: Peer[] = [await startWs(options)]
  const absent: string[] = []
  for (const [name, start] of Object.entries({
    'Socket.IO': startSocketIo,
    'uWebSockets.js': startUws,
    NATS: startNats,
    Centrifugo: startCentrifugo,
  })) {
    try {
      peers.push(...(await start(options)))
    } catch (error) {
      absent.push(`${name} is left out: ${messageOf(error)}`)
    }
  }
  return { peers, absent }
}

async function startSocketIo({ cores, workload, stack }: PeerOptions): Promise<Peer[]> {
  const entry = await peerPackage(socketIo)
  const access = { kind: 'peer', greeting: 'socket.io' } as const
  const emissions = [
    ['Socket.IO, an emit an event', 'event'],
    ['Socket.IO, an emit a batch', batchEmission(workload)],
  ] as const
  return await Promise.all(
    emissions.map(([name, emission]) => {
      const command = program('delivery/peers/socket-io-peer.ts', [], [entry, emission])
      return startChildPeer({ name, command, access, cores, stack })
    }),
  )
}

async function startUws({ cores, workload, stack }: PeerOptions): Promise<Peer[]> {
  const entry = await peerPackage(uws)
  const node = await oldNode(uwsNodes)
  if (node === undefined)
    throw new Error(`it takes a Node ${uwsNodes.join(' or ')} on the path or in TICKER_LOAD_OLD_NODE`)
  const access = { kind: 'peer', greeting: 'query' } as const
  const shared = batchEmission(workload)
  const emissions = [
    ['uWebSockets.js, a publish an event', 'event'],
    ...(shared === 'batch' ? [] : [['uWebSockets.js, a publish a batch', shared] as const]),
  ] as const
  return await Promise.all(
    emissions.map(([name, emission]) => {
      const [, ...parameters] = program('delivery/peers/uws-peer.mjs', [], [entry, emission])
      return startChildPeer({ name, command: [node, ...parameters], access, cores, stack })
    }),
  )
}

/** The room or topic of all clients where they have the same symbols; else `batch`: grouped by symbol. */
function batchEmission({ shared }: Workload): string {
  return shared?.join() ?? 'batch'
}
