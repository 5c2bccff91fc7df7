import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { Command } from '../support/command.ts'
import { StreamClient } from '../support/stream-client.ts'
import { Bystander, type BystanderReport, steadySymbol } from './bystander.ts'
import { Issuer } from './issuer.ts'
import { ProcessMemory } from './process-memory.ts'

const patience = { timeout: 60_000 }

/** Text that attacks put into what they send, and that must not come up in the log. */
export const payloadMark = 'never-log-a-payload'

/** Generous, since the tests share two cores; docs/security.md has what was measured. Where others keep them busy, all takes so much longer. */
const longestGapMs = (): number => 2000 * Math.max(1, (loadavg()[0] ?? 0) / availableParallelism())
/** What the process may have grown by for good. */
const grownBytes = 192 * 1_048_576

/** What an attack has cost. */
export interface Harm extends BystanderReport {
  /** How much more memory the gateway took than before: at most, and afterwards. */
  readonly peakBytes: number
  readonly keptBytes: number
  /** How long a new client then took to its first trade. */
  readonly newcomerMs: number
}

interface TargetParts {
  readonly command: Command
  readonly folder: string
  readonly issuer: Issuer
  readonly url: string
  readonly operationsUrl: string
  readonly bystander: Bystander
}

/** A gateway in a process of its own, an issuer, and a bystander whom the attacks of a test must not harm. */
export class Target {
  readonly issuer: Issuer
  /** `http://host:port`. */
  readonly url: string
  readonly #parts: TargetParts
  readonly #memory: ProcessMemory
  #newcomers = 0

  /** Starts everything; `env` is added to the gateway's environment. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<Target> {
    const folder = await mkdtemp(join(tmpdir(), 'ticker-target-'))
    const issuer = await Issuer.start()
    const command = new Command('../main', {
      env: {
        TICKER_MODE: 'development',
        TICKER_PORT: '0',
        TICKER_OPS_PORT: '0',
        TICKER_DEMO: 'off',
        TICKER_DRAIN_MS: '0',
        TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite'),
        ...issuer.env,
        ...env,
      },
    })
    const { url, operationsUrl } = await addressesOf(command)
    const bystander = await Bystander.start(url, await issuer.token({ claims: { sub: 'bystander' } }))
    return new Target({ command, folder, issuer, url, operationsUrl, bystander })
  }

  private constructor(parts: TargetParts) {
    this.issuer = parts.issuer
    this.url = parts.url
    this.#parts = parts
    this.#memory = new ProcessMemory(parts.command.child.pid ?? 0)
    this.#memory.rest()
  }

  get streamUrl(): string {
    return `${this.url.replace('http', 'ws')}/v1/stream`
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  /** Everything that was logged. */
  get log(): string {
    return this.#parts.command.stderr
  }

  /** Connects from an address of 127.0.0.0/8 and authenticates, as `mallory` where no token is given. */
  async session(from: string, token?: string): Promise<StreamClient> {
    const authorization = `Bearer ${token ?? (await this.issuer.token())}`
    const client = new StreamClient(this.streamUrl, { localAddress: from, headers: { authorization } })
    for (const answer of await client.takeMany(2)) {
      if (answer.T !== 'success') throw new Error(`refused: ${JSON.stringify(answer)}`)
    }
    return client
  }

  /** The value of a metric by its name with its labels, 0 where it is absent. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#parts.operationsUrl}/metrics`)).text()
    const line = text.split('\n').find(candidate => candidate.startsWith(`${name} `))
    return Number(line?.slice(name.length + 1) ?? 0)
  }

  /** Fails where the attack that is over has harmed anybody; what it has cost otherwise. */
  async unharmed(): Promise<Harm> {
    const report = await this.#parts.bystander.report()
    assert.equal(report.fault, undefined)
    assert.ok(report.longestGapMs < longestGapMs(), `the bystander waited ${report.longestGapMs} ms`)
    const newcomerMs = await this.#welcomeNewcomer()
    const peakBytes = this.#memory.peak
    await vi.waitFor(() => assert.ok(this.#memory.grown < grownBytes, 'memory is kept'), { timeout: 15_000 })
    const keptBytes = this.#memory.grown
    this.#checkLog()
    this.#memory.rest()
    return { ...report, peakBytes, keptBytes, newcomerMs }
  }

  /** Ends it as an operator would, and fails where it does not end well. */
  async stop(): Promise<void> {
    const { bystander, command, issuer, folder } = this.#parts
    await bystander.stop()
    command.kill('SIGTERM')
    const end = await command.ended()
    await issuer.stop()
    await rm(folder, { recursive: true, force: true })
    assert.equal(end, 0)
    this.#checkLog()
  }

  /** Every JWT begins with `{"` in base64. */
  #checkLog(): void {
    assert.equal(/.*"level":[56]0.*/.exec(this.log)?.[0], undefined)
    assert.equal(/.*eyJ\w{8}.*/.exec(this.log)?.[0], undefined)
    assert.ok(!this.log.includes(payloadMark), 'a payload was logged')
  }

  async #welcomeNewcomer(): Promise<number> {
    const beganMs = performance.now()
    this.#newcomers += 1
    const token = await this.issuer.token({ claims: { sub: 'newcomer' } })
    const newcomer = await this.session(`127.0.9.${1 + (this.#newcomers % 250)}`, token)
    await newcomer.subscribe({ trades: [steadySymbol] })
    await newcomer.take('t')
    const tookMs = performance.now() - beganMs
    await newcomer.close()
    return tookMs
  }
}

async function addressesOf(command: Command): Promise<{ url: string; operationsUrl: string }> {
  const [, stream = ''] = await command.printed('stdout', /stream\s+(\S+)\/v1\/stream/)
  const [, operationsUrl = ''] = await command.printed('stdout', /metrics\s+(\S+)\/metrics/)
  await vi.waitFor(async () => assert.equal((await fetch(`${operationsUrl}/readyz`)).status, 200), patience)
  return { url: stream.replace('ws', 'http'), operationsUrl }
}
