import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, vi } from 'vitest'
import { GatewayProcess } from '../support/gateway-process.ts'
import { StreamClient } from '../support/stream-client.ts'
import { type ControlReport, ControlSubscriber, controlSymbol } from './control-subscriber.ts'
import { TokenIssuer } from './token-issuer.ts'

/** Text that attacks put into what they send, and that must not appear in the log. */
export const payloadMark = 'never-log-a-payload'

/**
 * Generous, since the tests share two cores, and more so while others keep them busy; docs/security.md has
 * measurements.
 */
const longestGapMs = (): number => 2000 * Math.max(1, (loadavg()[0] ?? 0) / availableParallelism())
const mostKeptBytes = 192 * 1_048_576

/** The effects of an attack. */
export interface AttackImpact extends ControlReport {
  /** How much more memory the gateway took than before the attack: at most, and afterwards. */
  readonly peakBytes: number
  readonly keptBytes: number
  /** From the connection of a new client after the attack to its first trade. */
  readonly newClientMs: number
}

interface Parts {
  readonly gateway: GatewayProcess
  readonly folder: string
  readonly issuer: TokenIssuer
  readonly control: ControlSubscriber
}

/**
 * Starts an `AttackedGateway` for the tests of a file and checks it after each of them. The impact of each
 * attack is appended to the file that `TICKER_TEST_FIGURES` names.
 */
export function attackedGateway(env: Readonly<Record<string, string>> = {}): () => AttackedGateway {
  let gateway: AttackedGateway | undefined
  const started = (): AttackedGateway => {
    assert.ok(gateway !== undefined, 'the gateway has not started')
    return gateway
  }
  beforeAll(async () => {
    gateway = await AttackedGateway.start(env)
  })
  afterEach(async ({ task }) => {
    appendFigures(task.name, await started().checkImpact())
  })
  afterAll(() => gateway?.stop())
  return started
}

/**
 * A gateway in a process of its own, an issuer of tokens, and a control subscriber that no attack may harm.
 */
export class AttackedGateway {
  readonly issuer: TokenIssuer
  /** `http://host:port`. */
  readonly url: string
  readonly #parts: Parts
  readonly #memory: ProcessMemory
  #newClients = 0

  /** Starts everything; `env` is added to the gateway's environment. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<AttackedGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'ticker-attacked-'))
    const issuer = await TokenIssuer.start()
    const gateway = await GatewayProcess.start({
      TICKER_DEMO: 'off',
      TICKER_DRAIN_MS: '0',
      TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite'),
      ...issuer.env,
      ...env,
    })
    const token = await issuer.token({ claims: { sub: 'control' } })
    const control = await ControlSubscriber.start(gateway.url, token)
    return new AttackedGateway({ gateway, folder, issuer, control })
  }

  private constructor(parts: Parts) {
    this.issuer = parts.issuer
    this.url = parts.gateway.url
    this.#parts = parts
    this.#memory = new ProcessMemory(parts.gateway.pid)
  }

  get streamUrl(): string {
    return this.#parts.gateway.streamUrl
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  /** Everything that was logged. */
  get log(): string {
    return this.#parts.gateway.log
  }

  /** Connects from an address of 127.0.0.0/8 and authenticates, as `mallory` if no token is given. */
  async connect(from: string, token?: string): Promise<StreamClient> {
    const authorization = `Bearer ${token ?? (await this.issuer.token())}`
    const client = new StreamClient(this.streamUrl, { localAddress: from, headers: { authorization } })
    for (const answer of await client.takeMany(2)) {
      if (answer.T !== 'success') throw new Error(`refused: ${JSON.stringify(answer)}`)
    }
    return client
  }

  /** The value of a metric by its name with its labels, 0 if it is absent. */
  async metric(name: string): Promise<number> {
    return (await this.#parts.gateway.metric(name)) ?? 0
  }

  /** Returns the impact of the attack that is over; fails if it has harmed another client or the gateway. */
  async checkImpact(): Promise<AttackImpact> {
    const report = await this.#parts.control.report()
    assert.equal(report.fault, undefined)
    assert.ok(report.longestGapMs < longestGapMs(), `the control subscriber waited ${report.longestGapMs} ms`)
    const newClientMs = await this.#serveNewClient()
    const { peakBytes } = this.#memory
    const isMemoryReleased = (): void => assert.ok(this.#memory.grownBytes < mostKeptBytes, 'memory is kept')
    await vi.waitFor(isMemoryReleased, { timeout: 15_000 })
    const keptBytes = this.#memory.grownBytes
    this.#checkLog()
    this.#memory.startAgain()
    return { ...report, peakBytes, keptBytes, newClientMs }
  }

  /** Ends the gateway by SIGTERM, and fails if it does not end well. */
  async stop(): Promise<void> {
    const { control, gateway, issuer, folder } = this.#parts
    await control.stop()
    gateway.signal('SIGTERM')
    const code = await gateway.ended
    await gateway.stop()
    await issuer.stop()
    await rm(folder, { recursive: true, force: true })
    assert.equal(code, 0)
    this.#checkLog()
  }

  /** Every JWT begins with `{"` in base64. */
  #checkLog(): void {
    assert.equal(/.*"level":[56]0.*/.exec(this.log)?.[0], undefined)
    assert.equal(/.*eyJ\w{8}.*/.exec(this.log)?.[0], undefined)
    assert.ok(!this.log.includes(payloadMark), 'a payload was logged')
  }

  async #serveNewClient(): Promise<number> {
    const beganMs = performance.now()
    this.#newClients += 1
    const token = await this.issuer.token({ claims: { sub: 'newcomer' } })
    const client = await this.connect(`127.0.9.${1 + (this.#newClients % 250)}`, token)
    await client.subscribe({ trades: [controlSymbol] })
    await client.take('t')
    const tookMs = performance.now() - beganMs
    await client.close()
    return tookMs
  }
}

/** The resident memory of another process (proc_pid_status(5)), compared with that at a moment; on Linux. */
class ProcessMemory {
  readonly #pid: number
  #startBytes = 0

  constructor(pid: number) {
    this.#pid = pid
    this.startAgain()
  }

  get grownBytes(): number {
    return this.#read('VmRSS') - this.#startBytes
  }

  /** The highest value of `grownBytes`. */
  get peakBytes(): number {
    return this.#read('VmHWM') - this.#startBytes
  }

  /** Compares with this moment from now on (`5` resets the peak: proc_pid_clear_refs(5)). */
  startAgain(): void {
    this.#startBytes = this.#read('VmRSS')
    writeFileSync(`/proc/${this.#pid}/clear_refs`, '5')
  }

  #read(name: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8')
    return 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1])
  }
}

function appendFigures(attack: string, impact: AttackImpact): void {
  const path = process.env['TICKER_TEST_FIGURES']
  if (path === undefined) return
  const figures = [
    `longest gap ${Math.round(impact.longestGapMs)} ms`,
    `new client ${Math.round(impact.newClientMs)} ms`,
    `memory +${megabytes(impact.peakBytes)} MB, then +${megabytes(impact.keptBytes)} MB`,
  ]
  appendFileSync(path, `${attack}: ${figures.join('; ')}\n`)
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_048_576)
}
