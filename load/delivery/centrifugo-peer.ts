import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../test/support/port.ts'
import { startNamedServer } from './named-server.ts'
import type { Peer } from './peer.ts'
import { emitInTurn } from './peer-program.ts'
import type { PeerOptions } from './peers.ts'
import type { Batch } from './workload.ts'

/**
 * Centrifugo with clients in its JSON protocol, a channel for each symbol; the events of a batch are published with one request to its
 * HTTP interface. `TICKER_LOAD_CENTRIFUGO` names its binary.
 */
export async function startCentrifugo({ cores, stack }: PeerOptions): Promise<Peer[]> {
  const port = await freePort()
  const { pid } = await startNamedServer({
    variable: 'TICKER_LOAD_CENTRIFUGO',
    cores,
    stack,
    start: async folder => {
      const file = join(folder, 'config.json')
      await writeFile(file, configuration(port))
      return ['-c', file]
    },
    look: () => isHealthy(port),
  })
  let posts: readonly (() => Promise<void>)[] = []
  return [
    {
      name: 'Centrifugo',
      pid,
      isReader: false,
      target: { host: '127.0.0.1', port, isTls: false, access: { kind: 'peer', greeting: 'centrifugo' } },
      async prepare({ batches }) {
        posts = batches.map(batch => {
          const body = publications(batch)
          return () => post(port, body)
        })
      },
      run: ({ intervalMs }, arrived) => emitInTurn(posts, intervalMs, arrived),
    },
  ]
}

/** Anyone may connect, subscribe and publish; nobody is pinged during a run (https://centrifugal.dev/docs/server/configuration). */
function configuration(port: number): string {
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
function publications(batch: Batch): string {
  const commands = batch.map(({ symbol, text }) => `{"publish":{"channel":"${symbol}","data":${text}}}`)
  return `{"commands":[${commands.join()}]}`
}

async function post(port: number, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`http://127.0.0.1:${port}/api/batch`, { method: 'POST', headers, body })
  const text = await answer.text()
  if (!answer.ok || text.includes('"error"')) throw new Error(`Centrifugo answered ${answer.status}: ${text}`)
}
