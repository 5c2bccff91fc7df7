import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Guard } from '../../test/support/guard.ts'
import type { Peer } from './peer.ts'
import { emitPaced } from './peer-program.ts'
import type { PeerOptions } from './peers.ts'
import type { Batch } from './workload.ts'

const startTimeoutMs = 5000
const pollMs = 20

/**
 * NATS with clients over WebSocket, a subject for each symbol; the events of a batch are published with one write over TCP.
 * `TICKER_LOAD_NATS` names its binary.
 */
export async function startNats({ cores, stack }: PeerOptions): Promise<Peer[]> {
  const binary = process.env['TICKER_LOAD_NATS']
  if (binary === undefined) throw new Error('TICKER_LOAD_NATS names no nats-server')
  const folder = await mkdtemp(join(tmpdir(), 'load-nats-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'nats.conf')
  await writeFile(file, configuration(folder))
  const [command, ...parameters] = cores.server([binary, '-c', file])
  const server = spawn(command, parameters, { stdio: 'ignore' })
  const { pid = 0 } = server
  const guard = new Guard('')
  guard.watch(pid)
  stack.defer(() => guard.end())
  const failed = once(server, 'error').then(([error]) => {
    throw error
  })
  const ports = await Promise.race([readPorts(folder, pid), failed])
  const publisher = connect({ port: ports.tcp, host: '127.0.0.1', noDelay: true })
  stack.defer(() => void publisher.destroy())
  await once(publisher, 'connect')
  publisher.resume().write('CONNECT {"verbose":false,"pedantic":false,"lang":"load","version":"0"}\r\n')
  return [natsPeer({ pid, port: ports.webSocket, publisher })]
}

interface NatsParts {
  readonly pid: number
  readonly port: number
  readonly publisher: Socket
}

function natsPeer({ pid, port, publisher }: NatsParts): Peer {
  let writes: readonly (() => void)[] = []
  return {
    name: 'NATS',
    pid,
    isReader: false,
    target: { host: '127.0.0.1', port, isTls: false, access: { kind: 'peer', greeting: 'nats' } },
    async prepare({ batches }) {
      writes = batches.map(batch => {
        const bytes = publications(batch)
        return () => void publisher.write(bytes)
      })
    },
    run: ({ intervalMs }, arrived) => {
      const steps = writes.map((write, batch) => async () => {
        write()
        await arrived(batch)
      })
      return emitPaced(steps, intervalMs)
    },
  }
}

function publications(batch: Batch): Buffer {
  return Buffer.from(
    batch.map(({ symbol, text }) => `PUB ${symbol} ${Buffer.byteLength(text)}\r\n${text}\r\n`).join(''),
  )
}

/** Free ports, told in a file; nobody is pinged during a run. */
function configuration(folder: string): string {
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
async function readPorts(folder: string, pid: number): Promise<Ports> {
  const deadlineMs = performance.now() + startTimeoutMs
  while (performance.now() < deadlineMs) {
    const text = await readFile(join(folder, `nats-server_${pid}.ports`), 'utf8').catch(() => '')
    const [, tcp] = /"nats:[^"]*:(\d+)"/.exec(text) ?? []
    const [, webSocket] = /"ws:[^"]*:(\d+)"/.exec(text) ?? []
    if (tcp !== undefined && webSocket !== undefined)
      return { tcp: Number(tcp), webSocket: Number(webSocket) }
    await pause(pollMs)
  }
  throw new Error(`nats-server told no ports within ${startTimeoutMs} ms`)
}
