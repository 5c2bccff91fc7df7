import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Guard } from '../../../../test/support/guard.ts'
import { freePort } from '../../../../test/support/port.ts'
import type { Bench } from '../../../lib/bench.ts'
import type { Batch } from '../workload.ts'
import { loopbackTarget, type Peer, peerSentTo } from './peer.ts'

/**
 * NATS with clients over WebSocket, a subject for each symbol; a batch is published with one write over TCP.
 * `TICKER_LOAD_NATS` names its binary.
 */
export async function startNats(bench: Bench): Promise<Peer[]> {
  const prepare = async (folder: string): Promise<string[]> => {
    const file = join(folder, 'nats.conf')
    await writeFile(file, natsSettings(folder))
    return ['-c', file]
  }
  const server = { variable: 'TICKER_LOAD_NATS', prepare, look: readPorts }
  const { pid, ready: ports } = await startNamedServer(server, bench)
  const publisher = connect({ port: ports.tcp, host: '127.0.0.1', noDelay: true })
  bench.stack.defer(() => void publisher.destroy())
  await once(publisher, 'connect')
  publisher.resume().write('CONNECT {"verbose":false,"pedantic":false,"lang":"load","version":"0"}\r\n')
  const nats = { name: 'NATS', pid, readsLog: false, target: loopbackTarget(ports.webSocket, 'nats') }
  return [
    peerSentTo(nats, batch => {
      const bytes = publishCommands(batch)
      return () => void publisher.write(bytes)
    }),
  ]
}

function publishCommands(batch: Batch): Buffer {
  const commands = batch.map(({ symbol, text }) => `PUB ${symbol} ${Buffer.byteLength(text)}\r\n${text}\r\n`)
  return Buffer.from(commands.join(''))
}

/** Free ports, which NATS writes into a file; no client is pinged during a run. */
function natsSettings(folder: string): string {
  return `host: 127.0.0.1
port: -1
ports_file_dir: "${folder}"
ping_interval: "1h"
max_connections: 100000
websocket { host: "127.0.0.1", port: -1, no_tls: true, compression: false }
`
}

interface Ports {
  readonly tcp: number
  readonly webSocket: number
}

/** Reads `nats-server_PID.ports`: `{"nats":["nats://127.0.0.1:1"],"websocket":["ws://127.0.0.1:2"]}`. */
async function readPorts(folder: string, pid: number): Promise<Ports | undefined> {
  const text = await readFile(join(folder, `nats-server_${pid}.ports`), 'utf8').catch(() => '')
  const [, tcp] = /"nats:[^"]*:(\d+)"/.exec(text) ?? []
  const [, webSocket] = /"ws:[^"]*:(\d+)"/.exec(text) ?? []
  if (tcp === undefined || webSocket === undefined) return undefined
  return { tcp: Number(tcp), webSocket: Number(webSocket) }
}

/**
 * Centrifugo with clients in its JSON protocol, a channel for each symbol; a batch is published with one HTTP
 * request. `TICKER_LOAD_CENTRIFUGO` names its binary.
 */
export async function startCentrifugo(bench: Bench): Promise<Peer[]> {
  const port = await freePort()
  const prepare = async (folder: string): Promise<string[]> => {
    const file = join(folder, 'config.json')
    await writeFile(file, centrifugoSettings(port))
    return ['-c', file]
  }
  const server = { variable: 'TICKER_LOAD_CENTRIFUGO', prepare, look: () => isHealthy(port) }
  const { pid } = await startNamedServer(server, bench)
  const target = loopbackTarget(port, 'centrifugo')
  return [
    peerSentTo({ name: 'Centrifugo', pid, readsLog: false, target }, batch => {
      const body = publishRequest(batch)
      return () => post(port, body)
    }),
  ]
}

/** Anyone may do everything; no client is pinged (https://centrifugal.dev/docs/server/configuration). */
function centrifugoSettings(port: number): string {
  return JSON.stringify({
    http_server: { address: '127.0.0.1', port: String(port) },
    http_api: { insecure: true },
    client: { insecure: true, ping_interval: '2h', stale_close_delay: '1m' },
    health: { enabled: true },
    log: { level: 'error' },
  })
}

async function isHealthy(port: number): Promise<true | undefined> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined)
  return answer?.ok === true ? true : undefined
}

/** https://centrifugal.dev/docs/server/server_api#batch */
function publishRequest(batch: Batch): string {
  const commands = batch.map(({ symbol, text }) => `{"publish":{"channel":"${symbol}","data":${text}}}`)
  return `{"commands":[${commands.join()}]}`
}

async function post(port: number, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`http://127.0.0.1:${port}/api/batch`, { method: 'POST', headers, body })
  const text = await answer.text()
  if (!answer.ok || text.includes('"error"')) throw new Error(`Centrifugo answered ${answer.status}: ${text}`)
}

const startTimeoutMs = 5000
const pollMs = 20

interface NamedServer<Ready> {
  /** The environment variable that names the binary. */
  readonly variable: string
  /** Returns its arguments; it may leave files in the folder. */
  readonly prepare: (folder: string) => Promise<readonly string[]>
  /** Returns what there is to know of the server once it listens; `undefined` before. */
  readonly look: (folder: string, pid: number) => Promise<Ready | undefined>
}

/** Starts a server whose binary a variable names, on the server's core, with a folder of its own. */
async function startNamedServer<Ready>(
  { variable, prepare, look }: NamedServer<Ready>,
  { cores, stack }: Bench,
): Promise<{ readonly pid: number; readonly ready: Ready }> {
  const binary = process.env[variable]
  if (binary === undefined) throw new Error(`${variable} names no binary`)
  const folder = await mkdtemp(join(tmpdir(), 'load-server-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const [command, ...parameters] = cores.server([binary, ...(await prepare(folder))])
  const server = spawn(command, parameters, { stdio: 'ignore' })
  const { pid = 0 } = server
  const guard = new Guard('')
  guard.watch(pid)
  stack.defer(() => guard.end())
  const failed = once(server, 'error').then(([error]) => {
    throw error
  })
  return { pid, ready: await Promise.race([listening(), failed]) }

  async function listening(): Promise<Ready> {
    const deadlineMs = performance.now() + startTimeoutMs
    while (performance.now() < deadlineMs) {
      const found = await look(folder, pid)
      if (found !== undefined) return found
      await pause(pollMs)
    }
    throw new Error(`${binary} was not ready within ${startTimeoutMs} ms`)
  }
}
