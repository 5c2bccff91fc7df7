import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../../../src/diagnostics/ticker-error.ts'
import { programPath } from '../../setup/required-programs.ts'
import { CertificateAuthority } from '../../support/certificates.ts'
import { freePort } from '../../support/port.ts'

export type ProxyKind = 'nginx' | 'haproxy'

/** A gateway as a proxy reaches it, on 127.0.0.1. */
export interface Upstream {
  readonly port: number
  readonly operationsPort: number
}

interface Recipe {
  /** The configuration that `docs/proxies.md` shows. */
  readonly file: string
  /** What has to be another on this machine: every text must be there. */
  readonly changes: (site: Site) => readonly (readonly [from: string, to: string])[]
  readonly parameters: (site: Site, configuration: string) => readonly string[]
}

/** Where a proxy runs. */
interface Site {
  readonly folder: string
  readonly port: number
  readonly upstreams: readonly [Upstream, Upstream]
  readonly certificateFile: string
  readonly keyFile: string
  readonly pairFile: string
}

const recipes: Readonly<Record<ProxyKind, Recipe>> = {
  nginx: {
    file: 'nginx.conf',
    changes: ({ folder, port, upstreams, certificateFile, keyFile }) => [
      ['10.0.0.11:8080', `127.0.0.1:${upstreams[0].port}`],
      ['10.0.0.12:8080', `127.0.0.1:${upstreams[1].port}`],
      ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
      ['/etc/ticker/fullchain.pem', certificateFile],
      ['/etc/ticker/privkey.pem', keyFile],
      ['worker_rlimit_nofile 65536', 'worker_rlimit_nofile 4096'],
      ['worker_connections 32768', 'worker_connections 2048'],
      ['http {', `http {\n${temporaryPaths(folder)}`],
    ],
    parameters: ({ folder }, configuration) => [
      `-p${folder}`,
      `-c${configuration}`,
      '-estderr',
      `-gdaemon off; pid ${join(folder, 'nginx.pid')};`,
    ],
  },
  haproxy: {
    file: 'haproxy.cfg',
    changes: ({ port, upstreams, pairFile }) => [
      ['bind :443', `bind 127.0.0.1:${port}`],
      ['/etc/ticker/stream.pem', pairFile],
      ['10.0.0.11:8080', `127.0.0.1:${upstreams[0].port} port ${upstreams[0].operationsPort}`],
      ['10.0.0.12:8080', `127.0.0.1:${upstreams[1].port} port ${upstreams[1].operationsPort}`],
      ['maxconn 65536', 'maxconn 1024'],
    ],
    parameters: (_, configuration) => ['-db', '-f', configuration],
  },
}

/** A real proxy with the configuration that is shipped, in front of two gateways on this machine. */
export class Proxy {
  /** `wss://localhost:port/v1/stream`. */
  readonly streamUrl: string
  /** The certificate (PEM) of the authority that has signed the proxy's. */
  readonly authority: string
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor({ port, authority, child, folder }: ProxyParts) {
    this.streamUrl = `wss://localhost:${port}/v1/stream`
    this.authority = authority
    this.#child = child
    this.#folder = folder
  }

  /** `changes`: to the configuration that is shipped. */
  static async start(
    kind: ProxyKind,
    upstreams: readonly [Upstream, Upstream],
    changes: readonly (readonly [from: string, to: string])[] = [],
  ): Promise<Proxy> {
    const recipe = recipes[kind]
    const folder = await mkdtemp(join(tmpdir(), `ticker-${kind}-`))
    const authority = await CertificateAuthority.create(folder, 'authority')
    const port = await freePort()
    const site = { folder, port, upstreams, ...(await authority.sign('localhost')) }
    const configuration = join(folder, recipe.file)
    await writeFile(configuration, await configure(recipe, site, changes))
    const child = spawn(programPath(kind), recipe.parameters(site, configuration), {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await listening(child, port)
    return new Proxy({ port, authority: await readFile(authority.certificateFile, 'utf8'), child, folder })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGTERM')
      await once(this.#child, 'exit')
    }
    await rm(this.#folder, { recursive: true, force: true })
  }
}

interface ProxyParts {
  readonly port: number
  readonly authority: string
  readonly child: ChildProcess
  readonly folder: string
}

async function configure(
  { file, changes }: Recipe,
  site: Site,
  further: readonly (readonly [from: string, to: string])[],
): Promise<string> {
  const shipped = await readFile(new URL(`../../../docs/proxies/${file}`, import.meta.url), 'utf8')
  return [...changes(site), ...further].reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${file}: there is no "${from}" to change`)
    return text.replace(from, to)
  }, shipped)
}

/** The package's own are for root alone. */
function temporaryPaths(folder: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return kinds.map(kind => `  ${kind}_temp_path ${join(folder, kind)};`).join('\n')
}

/** Resolves when something listens on the port; rejects with what the program said where it ends before. */
async function listening(child: ChildProcess, port: number): Promise<void> {
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the proxy ended with ${child.exitCode}: ${said}`)
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (!messageOf(error).includes('ECONNREFUSED')) throw error
      await pause(20)
    } finally {
      socket.destroy()
    }
  }
}
