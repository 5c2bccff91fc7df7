import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface CommandOptions {
  readonly args?: readonly string[]
  readonly cwd?: string
  /** All that the command sees of `TICKER_*`. */
  readonly env?: Readonly<Record<string, string>>
  /** How long its end, and what it should print, are waited for; 60 s if left out. */
  readonly timeoutMs?: number
}

/** A command of `src/commands`, run as its users run it. */
export class Command {
  readonly child: ChildProcessWithoutNullStreams
  stdout = ''
  stderr = ''
  readonly #ended: Promise<number | string>
  readonly #timeoutMs: number

  /** Starts the command of this name; `onTestFinished(() => command.kill())` ends it whatever happens. */
  constructor(name: string, { args = [], cwd, env = {}, timeoutMs = 60_000 }: CommandOptions = {}) {
    this.#timeoutMs = timeoutMs
    const file = fileURLToPath(new URL(`../../src/commands/${name}.ts`, import.meta.url))
    const inherited = Object.entries(process.env).filter(([variable]) => !isOurs(variable))
    this.child = spawn(process.execPath, [file, ...args], {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...Object.fromEntries(inherited), NO_COLOR: '1', ...env },
    })
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    // A command that ends before it has read everything is not a fault of the test.
    this.child.stdin.on('error', () => undefined)
    this.#ended = once(this.child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  }

  /** What was printed to standard output, line by line. */
  get lines(): string[] {
    return this.stdout.split('\n').slice(0, -1)
  }

  /** Resolves with the exit code, or the signal that ended it, after all output has come. */
  async ended(): Promise<number | string> {
    return await this.#within('end', this.#ended)
  }

  /** Resolves when what was printed to one of its outputs matches. */
  async printed(output: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    const found = async (): Promise<RegExpExecArray> => {
      for (;;) {
        const match = pattern.exec(this[output])
        if (match !== null) return match
        const ended = await Promise.race([
          once(this.child[output], 'data').then(() => undefined),
          this.#ended,
        ])
        if (ended !== undefined && !pattern.test(this[output])) throw this.#fault(`ended with ${ended}`)
      }
    }
    return await this.#within(`print ${pattern}`, found())
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal)
  }

  async #within<Result>(what: string, promise: Promise<Result>): Promise<Result> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(this.#fault(`did not ${what} in time`)), this.#timeoutMs)
    try {
      return await Promise.race([promise, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  #fault(what: string): Error {
    return new Error(`${what}\n${this.stdout}\n${this.stderr}`)
  }
}

function isOurs(variable: string): boolean {
  return /^(TICKER_|npm_|INIT_CWD$|FORCE_COLOR$)/.test(variable)
}
