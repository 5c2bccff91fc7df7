import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Guard } from './guard.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const patienceMs = 60_000
const pollMs = 20
/** pino's number for `error`; `fatal` is above. */
const errorLine = /^\{"level":[56]0,/
const streamPattern = /^ +stream +(ws:\S+)$/m
const healthPattern = /^ +health +(http:\S+)$/m

/** A gateway in development, in a process of its own that may be killed. It does not outlive this process, however this one ends. */
export class GatewayProcess {
  /** `ws://host:port/v1/stream`. */
  readonly streamUrl: string
  readonly #output: Output
  readonly #guard: Guard

  private constructor(output: Output, guard: Guard) {
    this.#output = output
    this.#guard = guard
    this.streamUrl = output.find(streamPattern)
  }

  /** Resolves when it is ready; rejects with what it printed when it ends before, or takes a minute. */
  static async start(env: Readonly<Record<string, string>>): Promise<GatewayProcess> {
    const child = spawn(process.execPath, [main], { env: { ...inherited(), ...settings, ...env } })
    const guard = new Guard('')
    guard.watch(child.pid)
    const output = new Output(child)
    try {
      await output.shows(healthPattern)
      await output.until(() => isReady(output.find(healthPattern)))
    } catch (error) {
      await guard.end()
      throw error
    }
    return new GatewayProcess(output, guard)
  }

  /** The lines of its log with the level error or above. */
  get errors(): readonly string[] {
    return this.#output.errors
  }

  /** Ends it by a signal, sent before this returns; resolves when it is gone. Calling it again does nothing more. */
  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.#output.child.kill(signal)
    await this.#output.ended
    this.#guard.watch(undefined)
    await this.#guard.end()
  }
}

const settings = { TICKER_MODE: 'development', TICKER_PORT: '0', TICKER_OPS_PORT: '0' } as const

function inherited(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TICKER_')))
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(url)
  await answer.body?.cancel()
  return answer.ok
}

/** What the process prints: its greeting on standard output, its log on standard error. */
class Output {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<unknown>
  readonly errors: string[] = []
  #text = ''
  #hasEnded = false

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child
    this.ended = once(child, 'exit').then(() => (this.#hasEnded = true))
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#text += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#keepErrors(text))
  }

  /** The first group of a pattern; throws with what was printed where it is not there. */
  find(pattern: RegExp): string {
    const [, found] = pattern.exec(this.#text) ?? []
    if (found === undefined) throw new Error(`${pattern}: not in ${this.#text}${this.errors.join('\n')}`)
    return found
  }

  async shows(pattern: RegExp): Promise<void> {
    await this.until(() => pattern.test(this.#text))
  }

  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + patienceMs
    while (!(await condition())) {
      if (this.#hasEnded || performance.now() > deadlineMs)
        throw new Error(`the gateway did not start\n${this.#text}${this.errors.join('\n')}`)
      await pause(pollMs)
    }
  }

  #keepErrors(text: string): void {
    for (const line of text.split('\n')) {
      if (line !== '' && (errorLine.test(line) || !line.startsWith('{'))) this.errors.push(line)
    }
  }
}
