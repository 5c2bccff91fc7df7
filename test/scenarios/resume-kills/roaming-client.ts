import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../../../src/diagnostics/ticker-error.ts'
import type { Random } from '../../support/random.ts'
import type { Account } from './verdict.ts'
import { ResumingClient } from '../../support/resuming-client.ts'

/** A node as subscribers see it: its address, while it runs. */
export interface GatewayAddress {
  readonly streamUrl: string | undefined
  /** The certificate (PEM) of the authority that vouches for it, where it serves wss. */
  readonly authority?: string
}

export interface RoamingClientOptions {
  /** What it subscribes to: every symbol, or a watch list. */
  readonly symbols: readonly string[]
  readonly token: string
  /** The subprotocol. */
  readonly form: string
  readonly gateways: readonly [GatewayAddress, GatewayAddress]
  readonly random: Random
  /** Called when a node has acknowledged its resume. */
  readonly onAcknowledged?: (gateway: GatewayAddress) => void
  /** How likely it waits for up to 3 s before it connects again; 0.15 if left out. */
  readonly longPauseChance?: number
}

const numberBase = 2 ** 40
/**
 * How long it waits before it tries again: most not long, some long enough to have something to catch up
 * with.
 */
const shortPauseMs = 200
const longPauseMs = 3000
const usualLongPauseChance = 0.15

/**
 * A subscriber of trades that goes to the other node whenever its connection ends, and on from its cursor.
 */
export class RoamingClient {
  readonly symbols: readonly string[]
  readonly client: ResumingClient
  /** The numbers of the trades that it has, as they came. */
  readonly numbers: number[] = []
  /** The longest time from the end of a connection until it was live again. */
  longestAwayMs = 0
  /** Why attempts to connect failed. */
  readonly refused: string[] = []
  /** Connections that ended while it was catching up. */
  interrupted = 0
  readonly #options: RoamingClientOptions
  readonly #stopping = new AbortController()
  #at: GatewayAddress
  #awaySinceMs: number | undefined
  #roaming: Promise<void> = Promise.resolve()

  constructor(options: RoamingClientOptions, first: GatewayAddress) {
    this.symbols = options.symbols
    this.#options = options
    this.#at = first
    this.client = new ResumingClient(
      { trades: options.symbols },
      {
        form: options.form,
        ...(first.authority === undefined ? {} : { authority: first.authority }),
        event: ({ i }) => this.numbers.push(Number(i) - numberBase),
        acknowledged: () => options.onAcknowledged?.(this.#at),
        resumed: () => this.#isBack(),
      },
    )
  }

  /** Where it is, or tries to be. */
  get gateway(): GatewayAddress {
    return this.#at
  }

  get isLive(): boolean {
    return this.#awaySinceMs === undefined
  }

  /** What it has to show. */
  get account(): Account {
    const { positions, faults, lost, recovered } = this.client
    return { symbols: this.symbols, numbers: this.numbers, positions, faults, lost, recovered }
  }

  /** Connects; goes on by itself from then on. */
  async start(): Promise<void> {
    await this.#connect()
    this.#roaming = this.#roam()
  }

  /** Breaks its connection, as a network does. */
  move(): void {
    this.#left()
    this.client.cut()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.client.cut()
    await this.#roaming
  }

  async #connect(): Promise<void> {
    const { streamUrl } = this.#at
    if (streamUrl === undefined) throw new Error('the node is away')
    await this.client.connect(streamUrl, this.#options.token)
  }

  async #roam(): Promise<void> {
    const { gateways, random, longPauseChance = usualLongPauseChance } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.client.closed
      this.#left()
      const mostMs = random.chance(longPauseChance) ? longPauseMs : shortPauseMs
      await pause(random.whole(0, mostMs), undefined, { signal }).catch(() => undefined)
      this.#at = this.#at === gateways[0] ? gateways[1] : gateways[0]
      if (!signal.aborted)
        await this.#connect().catch((error: unknown) => this.refused.push(messageOf(error)))
    }
    this.client.cut()
  }

  #left(): void {
    if (this.client.isCatchingUp) this.interrupted++
    this.client.isCatchingUp = false
    this.#awaySinceMs ??= performance.now()
  }

  #isBack(): void {
    if (this.#awaySinceMs !== undefined)
      this.longestAwayMs = Math.max(this.longestAwayMs, performance.now() - this.#awaySinceMs)
    this.#awaySinceMs = undefined
  }
}
