import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Bench } from '../../../lib/bench.ts'
import { program } from '../../../lib/child.ts'
import { startCentrifugo, startNats } from './go-peers.ts'
import { type Peer, startChildPeer } from './peer.ts'
import type { Workload } from '../workload.ts'
import { readDevelopmentCertificate } from '../../../../src/auth/development-certificate.ts'
import { messageOf } from '../../../../src/diagnostics/ticker-error.ts'

const folder = 'scenarios/delivery/peers'
/** A package of a peer, of exactly one version, and what is loaded in it. */
const socketIo = { name: 'socket.io', version: '4.8.4', entry: 'wrapper.mjs' } as const
const uws = {
  name: '@trufflesuite/uws-js-unofficial',
  version: '20.30.0-unofficial.0',
  entry: 'src/uws.js',
} as const
/** The major versions that its binaries are for. */
const uwsNodes = [20, 18]

export interface FloorOptions {
  readonly form: string
  readonly tls: boolean
  readonly nodeOptions?: readonly string[]
}

/** The least that Node can do with the same bytes. */
export async function startFloor({ form, tls, nodeOptions }: FloorOptions, bench: Bench): Promise<Peer> {
  const certificate = tls ? await readDevelopmentCertificate('development') : undefined
  const command = program(`${folder}/floor-peer.ts`, nodeOptions, [form])
  return await startChildPeer(
    { name: 'floor', command, handshake: 'query', form, pairFile: certificate?.pairFile },
    bench,
  )
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

const run = promisify(execFile)

/** Outside of the project's own packages: one is old, and neither is needed for anything else. */
const packagesFolder = resolve('.cache/peers')
const installTimeoutMs = 120_000

/** Where a package's entry lies. Installs the package if it is absent; rejects where it cannot. */
async function peerPackage({ name, version, entry }: typeof socketIo | typeof uws): Promise<string> {
  const own = join(packagesFolder, `${name.replaceAll(/[@/]/g, '_')}-${version}`)
  const path = join(own, 'node_modules', name, entry)
  if (existsSync(path)) return path
  await mkdir(own, { recursive: true })
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-save', '--no-package-lock']
  await run('npm', ['install', '--prefix', own, ...options, `${name}@${version}`], {
    timeout: installTimeoutMs,
    cwd: own,
  })
  return path
}

/** A Node of one of these major versions, named by `TICKER_LOAD_OLD_NODE` or found on the path, if any. */
async function oldNode(majors: readonly number[]): Promise<string | undefined> {
  const named = process.env['TICKER_LOAD_OLD_NODE']
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map(place => join(place, 'node'))
  for (const candidate of named === undefined ? onPath : [named]) {
    const version = await run(candidate, ['--version']).then(
      ({ stdout }) => Number(/^v(\d+)\./.exec(stdout)?.[1]),
      () => undefined,
    )
    if (version !== undefined && majors.includes(version)) return candidate
  }
  return undefined
}
