import { messageOf } from '../../../../src/diagnostics/ticker-error.ts'
import type { Bench } from '../../../lib/bench.ts'
import { program } from '../../../lib/child.ts'
import type { Workload } from '../workload.ts'
import { startCentrifugo, startNats } from './go-peers.ts'
import { type Peer, startChildPeer } from './peer.ts'
import { oldNode, peerPackage } from './peer-packages.ts'
import type { TlsFiles } from './peer-program.ts'

const folder = 'scenarios/delivery/peers'
const socketIo = { name: 'socket.io', version: '4.8.4', entry: 'wrapper.mjs' } as const
const uws = {
  name: '@trufflesuite/uws-js-unofficial',
  version: '20.30.0-unofficial.0',
  entry: 'src/uws.js',
} as const
/** The major versions that its binaries are for. */
const uwsNodes = [20, 18]

export interface FloorOptions {
  /** The wire form of its frames. */
  readonly form: string
  readonly certificate?: TlsFiles | undefined
  readonly nodeOptions?: readonly string[]
}

/** The least that Node can do with the same bytes. */
export function startFloor({ form, certificate, nodeOptions }: FloorOptions, bench: Bench): Promise<Peer> {
  const command = program(`${folder}/floor-peer.ts`, nodeOptions, [form])
  return startChildPeer({ name: 'floor', command, handshake: 'query', form, certificate }, bench)
}

/** The obvious server with `ws`. */
export function startWs(bench: Bench, nodeOptions: readonly string[] = []): Promise<Peer> {
  const command = program(`${folder}/ws-peer.ts`, nodeOptions)
  return startChildPeer({ name: 'ws', command, handshake: 'query' }, bench)
}

/** Starts every other server that this machine has, and says why some are absent. */
export async function startPeers(
  workload: Workload,
  bench: Bench,
): Promise<{ readonly started: readonly Peer[]; readonly absent: readonly string[] }> {
  const started: Peer[] = [await startWs(bench)]
  const absent: string[] = []
  for (const [name, start] of Object.entries({
    'Socket.IO': startSocketIo,
    'uWebSockets.js': startUws,
    NATS: startNats,
    Centrifugo: startCentrifugo,
  })) {
    try {
      started.push(...(await start(bench, workload)))
    } catch (error) {
      absent.push(`${name} is left out: ${messageOf(error)}`)
    }
  }
  return { started, absent }
}

async function startSocketIo(bench: Bench, { shared }: Workload): Promise<Peer[]> {
  const entry = await peerPackage(socketIo)
  const start = (name: string, emission: string): Promise<Peer> => {
    const command = program(`${folder}/socket-io-peer.ts`, [], [entry, emission])
    return startChildPeer({ name, command, handshake: 'socket.io' }, bench)
  }
  return [
    await start('Socket.IO, an emit an event', 'event'),
    // To the room of all clients where they have the same symbols; else grouped by symbol.
    await start('Socket.IO, an emit a batch', shared?.join() ?? 'batch'),
  ]
}

async function startUws(bench: Bench, { shared }: Workload): Promise<Peer[]> {
  const entry = await peerPackage(uws)
  const node = await oldNode(uwsNodes)
  if (node === undefined)
    throw new Error(`it takes a Node ${uwsNodes.join(' or ')} on the path or in TICKER_LOAD_OLD_NODE`)
  const start = (name: string, emission: string): Promise<Peer> => {
    const [, ...parameters] = program(`${folder}/uws-peer.mjs`, [], [entry, emission])
    return startChildPeer({ name, command: [node, ...parameters], handshake: 'query' }, bench)
  }
  const byEvent = await start('uWebSockets.js, a publish an event', 'event')
  if (shared === undefined) return [byEvent]
  return [byEvent, await start('uWebSockets.js, a publish a batch', shared.join())]
}
