import type { TestGateway } from '../../support/gateway.ts'
import { type Message, StreamClient } from '../../support/stream-client.ts'

const numberBase = 2 ** 40

/** Subscribes to every trade and keeps the numbers of those that came, with the time of each. */
export class Subscriber {
  /** As `sampleTrade` was given them, in the order of their arrival. */
  readonly numbers: number[] = []
  readonly arrivedAtMs: number[] = []
  /** When its subscription was acknowledged. */
  readonly openedAtMs = performance.now()
  /** What came besides trades, heartbeats and the numbers of new partitions. */
  readonly others: Message[] = []
  readonly #client: StreamClient
  #closing = false
  readonly #reading: Promise<void>

  private constructor(client: StreamClient) {
    this.#client = client
    this.#reading = this.#read()
  }

  static async open(gateway: TestGateway): Promise<Subscriber> {
    const client = await StreamClient.open(gateway.streamUrl, await gateway.token({ lifetimeS: 3600 }))
    await client.subscribe({ trades: ['*'], policy: { trades: 'every' } })
    return new Subscriber(client)
  }

  /**
   * Milliseconds from a moment of `performance.now()` to the first trade after it, of those that are meant.
   */
  firstAfterMs(moment: number, isMeant: (number: number) => boolean = () => true): number {
    const arrived = this.arrivedAtMs.find((each, index) => each > moment && isMeant(this.numbers[index]!))
    return arrived === undefined ? Number.NaN : Math.round(arrived - moment)
  }

  /** The longest time between two trades, in ms. */
  get longestGapMs(): number {
    const gaps = this.arrivedAtMs.map((at, index) => at - (this.arrivedAtMs[index - 1] ?? at))
    return Math.round(gaps.reduce((most, gap) => Math.max(most, gap), 0))
  }

  async close(): Promise<void> {
    this.#closing = true
    await this.#client.close()
    await this.#reading
  }

  async #read(): Promise<void> {
    try {
      for (;;) this.#take(await this.#client.next())
    } catch (error) {
      if (!this.#closing) this.others.push({ T: 'ended', error: String(error) })
    }
  }

  #take(message: Message): void {
    if (message.T === 'partitions') return
    if (message.T !== 't') {
      this.others.push(message)
      return
    }
    this.numbers.push(Number(message['i']) - numberBase)
    this.arrivedAtMs.push(performance.now())
  }
}
