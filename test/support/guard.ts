import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'

/**
 * Reads process ids, the newest counts; when its input ends, which it does however our process ends, it acts.
 */
const script = `
pid=
while read -r line; do pid=$line; done
[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
[ -z "$1" ] || rm -rf "$1"
`

/**
 * A small process that outlives ours by a moment, whatever ends ours (a SIGKILL too), and then kills the
 * process it watches and removes its folder. Only this way a broker is never left behind.
 */
export class Guard {
  readonly #shell: ChildProcess
  readonly #input: Writable
  readonly #ended: Promise<unknown>

  /** `folder` is removed at the end; an empty string is none. */
  constructor(folder: string) {
    // In a session of its own, so that Ctrl-C in the terminal does not end it before its work.
    const shell = spawn('sh', ['-c', script, 'guard', folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    shell.unref()
    this.#shell = shell
    this.#input = shell.stdin
    this.#ended = once(shell, 'exit')
  }

  /** The process to kill from now on, instead of an earlier one; `undefined`: none. */
  watch(pid: number | undefined): void {
    this.#input.write(`${pid ?? ''}\n`)
  }

  /** Ends the guard; resolves when what it watched is killed and its folder is gone. */
  async end(): Promise<void> {
    this.#shell.ref()
    this.#input.end()
    await this.#ended
  }
}
