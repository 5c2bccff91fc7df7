import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Guard } from '../../support/guard.ts'
import { mintTestToken } from '../../support/gateway.ts'
import { waitUntil } from '../kafka-faults/scenario.ts'
import { HeapProbe } from './heap-probe.ts'

const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
const stopMs = 15_000
/** pino's number for `error`; `fatal` is above. */
const errorLevel = 50

/** The gateway as its operator runs it, in a process of its own, with a probe of its memory. */
export class SoakGateway {
  readonly url: string
  readonly streamUrl: string
  readonly token = mintTestToken
  readonly heap: HeapProbe
  readonly #operations: string
  readonly #child: ChildProcessWithoutNullStreams
  readonly #output: Output
  readonly #guard: Guard

  private constructor(parts: {
    readonly child: ChildProcessWithoutNullStreams
    readonly output: Output
    readonly guard: Guard
    readonly heap: HeapProbe
  }) {
    this.#child = parts.child
    this.#output = parts.output
    this.#guard = parts.guard
    this.heap = parts.heap
    this.streamUrl = parts.output.find(streamPattern)
    this.url = this.streamUrl.replace('ws', 'http').replace('/v1/stream', '')
    this.#operations = parts.output.find(operationsPattern)
  }

  /** Resolves when it is ready. */
  static async start(env: Readonly<Record<string, string>>): Promise<SoakGateway> {
    const child = spawn(process.execPath, ['--inspect=127.0.0.1:0', main], {
      env: { ...inherited(), ...settings, ...env },
    })
    const guard = new Guard('')
    guard.watch(child.pid)
    const output = new Output(child)
    const isStarted = () => output.has(operationsPattern) && output.has(inspectorPattern)
    await waitUntil(isStarted, 'the gateway to start')
    const heap = await HeapProbe.connect(output.find(inspectorPattern))
    const gateway = new SoakGateway({ child, output, guard, heap })
    await waitUntil(() => gateway.isReady(), 'the gateway to be ready')
    return gateway
  }

  async isReady(): Promise<boolean> {
    const answer = await fetch(`${this.#operations}/readyz`)
    await answer.body?.cancel()
    return answer.ok
  }

  /** The text of `/metrics`. */
  async metrics(): Promise<string> {
    return await (await fetch(`${this.#operations}/metrics`)).text()
  }

  /** The lines of its log with the level error or above. */
  get errors(): readonly string[] {
    return this.#output.levels.flatMap(({ level, line }) => (level >= errorLevel ? [line] : []))
  }

  /** How many lines it has logged. */
  get logLines(): number {
    return this.#output.levels.length
  }

  /** Ends it in order; resolves with the exit code, or the signal it took. */
  async stop(): Promise<number | string> {
    this.heap.close()
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : [this.#child.exitCode]
    this.#child.kill('SIGTERM')
    const bound = setTimeout(() => this.#child.kill('SIGKILL'), stopMs)
    const [code, signal] = (await ended) as [number | null, string | null]
    clearTimeout(bound)
    this.#guard.watch(undefined)
    await this.#guard.end()
    return code ?? signal ?? ''
  }
}

const streamPattern = /^ +stream +(ws:\S+)$/m
const operationsPattern = /^ +health +(http:\S+)\/readyz$/m
const inspectorPattern = /^Debugger listening on (ws:\S+)$/m

const settings = {
  TICKER_MODE: 'development',
  TICKER_PORT: '0',
  TICKER_OPS_PORT: '0',
  TICKER_DRAIN_MS: '500',
} as const

function inherited(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TICKER_')))
}

interface LogLine {
  readonly level: number
  readonly line: string
}

/** What the process prints: its greeting as text, its log in lines of JSON. */
class Output {
  readonly levels: LogLine[] = []
  #text = ''
  #rest = ''

  constructor({ stdout, stderr }: ChildProcessWithoutNullStreams) {
    stdout.setEncoding('utf8').on('data', (text: string) => (this.#text += text))
    stderr.setEncoding('utf8').on('data', (text: string) => this.#take(text))
  }

  has(pattern: RegExp): boolean {
    return pattern.test(this.#text)
  }

  /** The first group of a pattern; throws with what was printed where it is not there. */
  find(pattern: RegExp): string {
    const [, found] = pattern.exec(this.#text) ?? []
    if (found === undefined) throw new Error(`${pattern}: not in ${this.#text}`)
    return found
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const [, level] = /^\{"level":(\d+),/.exec(line) ?? []
      if (level === undefined) this.#text += `${line}\n`
      else this.levels.push({ level: Number(level), line: Number(level) >= errorLevel ? line : '' })
    }
  }
}
