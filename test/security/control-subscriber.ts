import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The symbol of the trades that the control subscriber publishes. */
export const controlSymbol = 'STEADY'
/**
 * The address that the control subscriber connects from. Attackers use others, since limits are by address.
 */
export const controlAddress = '127.0.0.2'

/** The deliveries to a control subscriber since its last report. */
export interface ControlReport {
  /** Since its start. */
  readonly received: number
  /** Between two trades. */
  readonly longestGapMs: number
  /** Set if it missed a trade, got one twice or out of order, was refused, or lost its connection. */
  readonly fault?: string
}

/**
 * A subscriber that must not notice an attack. It subscribes to all trades and publishes one every ten
 * milliseconds, in a process of its own, so that the attacker's work does not delay what it measures.
 */
export class ControlSubscriber {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves when its first trade is on the way. */
  static async start(url: string, token: string): Promise<ControlSubscriber> {
    const file = fileURLToPath(new URL('control-subscriber-process.ts', import.meta.url))
    const child = fork(file, [url, token], { execArgv: [] })
    await once(child, 'message')
    return new ControlSubscriber(child)
  }

  async report(): Promise<ControlReport> {
    const answer = once(this.#child, 'message')
    this.#child.send('report')
    const [report] = (await answer) as [ControlReport]
    return report
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }
}
