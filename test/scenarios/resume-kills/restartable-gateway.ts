import { GatewayProcess } from '../../support/gateway-process.ts'
import type { GatewayAddress } from './roaming-client.ts'

/** One of the gateways: a process that is killed, and started again with the same variables. */
export class RestartableGateway implements GatewayAddress {
  /** What its processes logged with the level error or above. */
  readonly errors: string[] = []
  readonly #env: Readonly<Record<string, string>>
  #process: GatewayProcess | undefined
  #starting: Promise<void> = Promise.resolve()

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env
  }

  /** The process that runs now; throws if none does. */
  get process(): GatewayProcess {
    if (this.#process === undefined) throw new Error('the gateway does not run')
    return this.#process
  }

  get streamUrl(): string | undefined {
    return this.#process?.streamUrl
  }

  /** Resolves when it runs and is ready. */
  get ready(): Promise<void> {
    return this.#starting
  }

  /** Starts it; `ready` tells when that is done. */
  start(): Promise<void> {
    this.#starting = this.#begin()
    return this.#starting
  }

  /** Sends a signal before it returns, if it runs; resolves when the process is gone. */
  async kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const process = this.#process
    this.#process = undefined
    if (process === undefined) return
    const gone = process.stop(signal)
    this.errors.push(...process.errors)
    await gone
  }

  /** Ends it for good, also where it is only starting. */
  async stop(): Promise<void> {
    await this.#starting.catch(() => undefined)
    await this.kill()
  }

  async #begin(): Promise<void> {
    this.#process = await GatewayProcess.start(this.#env)
  }
}
