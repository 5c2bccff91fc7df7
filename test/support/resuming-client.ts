import { WebSocket } from 'ws'

interface Message {
  readonly T: string
  readonly [field: string]: unknown
}

interface PartitionPosition {
  readonly number: number
  readonly topic: string
  readonly partition: number
  readonly epoch: string
  readonly position: number
}

/**
 * A client as PROTOCOL.md §8 describes it: it keeps the position of each partition, holds every frame against it, and goes on from
 * there wherever it connects next.
 */
export class ResumingClient {
  readonly events: Message[] = []
  /** What it could not believe: gaps, and ranges out of order. */
  readonly faults: string[] = []
  readonly lost: unknown[] = []
  /** What the acknowledgements of resumes said. */
  readonly recovered: unknown[] = []
  resumes = 0
  readonly #request: Readonly<Record<string, unknown>>
  #positions = new Map<number, PartitionPosition>()
  #webSocket: WebSocket | undefined
  #isKnown = false

  /** Subscribes to this, each time. */
  constructor(request: Readonly<Record<string, unknown>>) {
    this.#request = request
  }

  /** Where to go on; `undefined` before the first acknowledgement. */
  get cursor(): object | undefined {
    if (!this.#isKnown) return undefined
    return { version: 1, partitions: [...this.#positions.values()] }
  }

  /** Connects and subscribes, from its cursor if it has one; resolves when it is acknowledged. */
  async connect(url: string, token: string, cursor = this.cursor): Promise<void> {
    const webSocket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    })
    this.#webSocket = webSocket
    const acknowledged = Promise.withResolvers<void>()
    this.#isKnown = false
    webSocket.on('message', (data: Buffer) => {
      // What still comes on a former connection was never handled.
      if (this.#webSocket !== webSocket) return
      const messages = JSON.parse(data.toString()) as Message[]
      if (messages.some(({ msg }) => msg === 'authenticated')) {
        const from = cursor === undefined ? {} : { cursor }
        webSocket.send(JSON.stringify({ action: 'subscribe', ...this.#request, ...from }))
      }
      this.#take(messages)
      if (this.#isKnown) acknowledged.resolve()
    })
    webSocket.on('error', () => undefined)
    webSocket.on('close', code => acknowledged.reject(new Error(`closed with ${code}`)))
    await acknowledged.promise
  }

  /** Breaks the connection, as a network does. */
  cut(): void {
    this.#webSocket?.terminate()
    this.#webSocket = undefined
  }

  #take(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.T === 'subscription') this.#acknowledged(message)
      else if (message.T === 'partitions') this.#number(message['partitions'] as PartitionPosition[])
      else if (message.T === 'heartbeat') this.#beat(message['positions'] as [number, number][] | undefined)
      else if (message.T === 'coverage') this.#cover(message['ranges'] as [number, number, number][])
      else if (message.T === 'lost') this.lost.push(...(message['ranges'] as unknown[]))
      else if (message.T === 'resumed') this.resumes++
      else if (message.T === 'error') this.faults.push(JSON.stringify(message))
      else if (message.T.length === 1) this.events.push(message)
    }
  }

  #acknowledged(message: Message): void {
    if ('recovered' in message) this.recovered.push(message['recovered'])
    if (message['partitions'] === undefined) return
    this.#positions = new Map()
    this.#number(message['partitions'] as PartitionPosition[])
    this.#isKnown = true
  }

  #number(partitions: readonly PartitionPosition[]): void {
    for (const partition of partitions) this.#positions.set(partition.number, partition)
  }

  #beat(positions: readonly [number, number][] = []): void {
    for (const [number, position] of positions) this.#advance(number, position)
  }

  #cover(ranges: readonly [number, number, number][]): void {
    for (const [number, from, to] of ranges) {
      const have = this.#positions.get(number)?.position ?? -1
      if (from > have) this.faults.push(`partition ${number}: from ${from}, but ${have} was reached`)
      this.#advance(number, to)
    }
  }

  #advance(number: number, position: number): void {
    const known = this.#positions.get(number)
    if (known !== undefined && position > known.position) this.#positions.set(number, { ...known, position })
  }
}
