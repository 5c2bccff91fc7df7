import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Whose trades the bystander publishes. */
export const steadySymbol = 'STEADY'
/** Where the bystander connects from; attackers come from elsewhere, since limits are by address. */
export const bystanderAddress = '127.0.0.2'

/** What became of a bystander since its last report. */
export interface BystanderReport {
  /** Since its start. */
  readonly received: number
  /** Between two trades. */
  readonly longestGapMs: number
  /** Where it missed something, received it twice or out of order, was refused, or lost its connection. */
  readonly fault?: string
}

/**
 * Who must not notice an attack: subscribed to everything, and publishing a trade every ten milliseconds, in a process of its own, so
 * that what it measures is not the attacker's own doing.
 */
export class Bystander {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves when its first trade is on the way. */
  static async start(url: string, token: string): Promise<Bystander> {
    const file = fileURLToPath(new URL('bystander-process.ts', import.meta.url))
    const child = fork(file, [url, token], { execArgv: [] })
    await once(child, 'message')
    return new Bystander(child)
  }

  async report(): Promise<BystanderReport> {
    const answer = once(this.#child, 'message')
    this.#child.send('report')
    const [report] = (await answer) as [BystanderReport]
    return report
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }
}
