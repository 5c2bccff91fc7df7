import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { programPath } from '../setup/required-programs.ts'

export interface JavaProgram {
  /** The folder of the jars. */
  readonly jars: string
  /** The main class and what it is given. */
  readonly command: readonly [main: string, ...parameters: string[]]
  /** Options for the virtual machine. */
  readonly options: readonly string[]
  /** The file that what the program prints is appended to. */
  readonly log: string
}

/** A running Java program. */
export class JavaProcess {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #ended: Promise<number | NodeJS.Signals>

  private constructor(child: ChildProcess, pid: number) {
    this.pid = pid
    this.#child = child
    this.#ended = new Promise(resolve => {
      child.once('exit', (code, signal) => resolve(signal ?? code ?? 0))
    })
  }

  /** Rejects with a `SetUpError` if there is no `java`. */
  static async start(program: JavaProgram): Promise<JavaProcess> {
    const log = await open(program.log, 'a')
    try {
      // Java expands `libs/*` itself. The session of its own keeps Ctrl-C in the terminal from it: we end it
      // in order.
      const child = spawn(
        programPath('java'),
        [...program.options, '-cp', join(program.jars, '*'), ...program.command],
        {
          detached: true,
          stdio: ['ignore', log.fd, log.fd],
        },
      )
      await once(child, 'spawn')
      return new JavaProcess(child, child.pid ?? 0)
    } finally {
      await log.close()
    }
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves, when the program has ended, with its exit code or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals> {
    return this.#ended
  }

  /** Asks the program to end, and kills it if it has not after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#child.kill('SIGTERM')
    const bound = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs)
    await this.#ended
    clearTimeout(bound)
  }

  /** Ends the program at once, as a power failure would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
