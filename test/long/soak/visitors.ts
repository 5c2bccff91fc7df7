import { setTimeout as pause } from 'node:timers/promises'
import { channels } from '../../../src/event/event.ts'
import type { GatewayProcess } from '../../support/gateway-process.ts'
import { Random } from '../../support/random.ts'
import { StreamClient } from '../../support/stream-client.ts'

const symbols = ['AAPL', 'SPY', 'TSLA', 'MSFT', 'BRK.B', 'BTC/USD', 'NOSUCH', '*']

/**
 * Subscribers that come and go, so many at a time: some leave in order, some just vanish, some never read.
 */
export class Visitors {
  visits = 0
  /** What went wrong when one came. */
  readonly faults: string[] = []
  readonly #gateway: GatewayProcess
  readonly #random: Random
  readonly #stopping = new AbortController()
  readonly #coming: Promise<unknown>

  constructor(gateway: GatewayProcess, { atOnce, seed }: { readonly atOnce: number; readonly seed: number }) {
    this.#gateway = gateway
    this.#random = new Random(seed)
    this.#coming = Promise.all(Array.from({ length: atOnce }, () => this.#come()))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#coming
  }

  async #come(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.#visit()
        this.visits += 1
      } catch (error) {
        this.faults.push(String(error))
      }
    }
  }

  async #visit(): Promise<void> {
    const random = this.#random
    const client = await StreamClient.open(this.#gateway.streamUrl, await this.#gateway.token())
    const chosen = Object.fromEntries(
      channels.filter(() => random.chance(0.4)).map(channel => [channel, [random.pick(symbols)]]),
    )
    await client.subscribe({ trades: ['AAPL'], ...chosen, snapshot: random.chance(0.5) })
    if (random.chance(0.2)) client.webSocket.pause()
    const stayMs = random.whole(200, 5000)
    // It leaves early when the test ends.
    await pause(stayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
    client.webSocket.resume()
    if (random.chance(0.5)) await client.close()
    else client.webSocket.terminate()
  }
}
