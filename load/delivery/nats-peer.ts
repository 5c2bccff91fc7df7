import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { startNamedServer } from './named-server.ts'
import type { Peer } from './peer.ts'
import { emitInTurn } from './peer-program.ts'
import type { PeerOptions } from './peers.ts'
import type { Batch } from './workload.ts'

/**
 * NATS with clients over WebSocket, a subject for each symbol; the events of a batch are published with one write over TCP.
 * `TICKER_LOAD_NATS` names its binary.
 */
export async function startNats({ cores, stack }: PeerOptions): Promise<Peer[]> {
  const { pid, ready: ports } = await startNamedServer({
    variable: 'TICKER_LOAD_NATS',
    cores,
    stack,
    start: async folder => {
      const file = join(folder, 'nats.conf')
      await writeFile(file, configuration(folder))
      return ['-c', file]
    },
    look: readPorts,
  })
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
    run: ({ intervalMs }, arrived) => emitInTurn(writes, intervalMs, arrived),
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
async function readPorts(folder: string, pid: number): Promise<Ports | undefined> {
  const text = await readFile(join(folder, `nats-server_${pid}.ports`), 'utf8').catch(() => '')
  const [, tcp] = /"nats:[^"]*:(\d+)"/.exec(text) ?? []
  const [, webSocket] = /"ws:[^"]*:(\d+)"/.exec(text) ?? []
  if (tcp === undefined || webSocket === undefined) return undefined
  return { tcp: Number(tcp), webSocket: Number(webSocket) }
}
