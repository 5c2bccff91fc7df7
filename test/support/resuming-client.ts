import { WebSocket } from 'ws'
import { FormReader, type Message } from './form-reader.ts'
import { cursorOf, type PartitionPosition, positionsOf } from './partition-runs.ts'

export type { Message } from './form-reader.ts'

export interface ResumingListener {
  /** The subprotocol; JSON if left out. */
  readonly form?: string
  /** The certificate (PEM) of the authority that vouches for the other side, where that is not a public one. */
  readonly authority?: string
  /** Takes each event instead of `events`. */
  readonly event?: (event: Message) => void
  /** A session has begun; it catches up where it had a cursor. */
  readonly acknowledged?: () => void
  /** What was missed has come. */
  readonly resumed?: () => void
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
  /** What the acknowledgements of resumes said, and their ends after that. */
  readonly recovered: unknown[] = []
  resumes = 0
  /** Whether its session was acknowledged, and what was missed is still coming. */
  isCatchingUp = false
  readonly #request: Readonly<Record<string, unknown>>
  readonly #listener: ResumingListener
  #positions = new Map<number, PartitionPosition>()
  #webSocket: WebSocket | undefined
  #closed: Promise<void> = Promise.resolve()
  /** Whether the positions are those of the present session; before that they are those of the former. */
  #isAcknowledged = false

  /** Subscribes to this, each time. */
  constructor(request: Readonly<Record<string, unknown>>, listener: ResumingListener = {}) {
    this.#request = request
    this.#listener = listener
  }

  /** Where to go on, also after connections that were never acknowledged; `undefined` before the first acknowledgement. */
  get cursor(): object | undefined {
    return this.#positions.size === 0 ? undefined : cursorOf(this.#positions.values())
  }

  /** How far it has come, by partition. */
  get positions(): readonly PartitionPosition[] {
    return [...this.#positions.values()]
  }

  /** Connects and subscribes, from its cursor if it has one; resolves when it is acknowledged. */
  async connect(url: string, token: string, cursor: object | undefined = this.cursor): Promise<void> {
    const { form, authority } = this.#listener
    const reader = new FormReader()
    const webSocket = new WebSocket(url, form === undefined ? [] : [form], {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      ...(authority === undefined ? {} : { ca: authority }),
    })
    this.#webSocket = webSocket
    const acknowledged = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    this.#closed = closed.promise
    this.#isAcknowledged = false
    this.isCatchingUp = false
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      // What still comes on a former connection was never handled.
      if (this.#webSocket !== webSocket) return
      const messages = reader.messagesOf(data, isBinary)
      if (messages.some(({ msg }) => msg === 'authenticated')) {
        const from = cursor === undefined ? {} : { cursor }
        webSocket.send(JSON.stringify({ action: 'subscribe', ...this.#request, ...from }))
      }
      this.#take(messages)
      if (this.#isAcknowledged) acknowledged.resolve()
    })
    webSocket.on('error', error => acknowledged.reject(error))
    webSocket.on('close', code => {
      acknowledged.reject(new Error(`closed with ${code}`))
      closed.resolve()
    })
    await acknowledged.promise
  }

  /** Resolves when the present connection is gone. */
  get closed(): Promise<void> {
    return this.#closed
  }

  /** Breaks the connection, as a network does. */
  cut(): void {
    this.#webSocket?.terminate()
    this.#webSocket = undefined
  }

  #take(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.T === 'subscription') this.#acknowledged(message)
      else if (message.T === 'lost') this.lost.push(...(message['ranges'] as unknown[]))
      else if (message.T === 'resumed') this.#resumed(message)
      else if (message.T === 'error') this.faults.push(JSON.stringify(message))
      else if (message.T.length === 1) this.#event(message)
      else this.#position(message)
    }
  }

  #acknowledged(message: Message): void {
    if ('recovered' in message) {
      this.recovered.push(message['recovered'])
      this.isCatchingUp = true
    }
    this.#beat(message['positions'] as [number, number][] | undefined)
    if (message['partitions'] === undefined) return
    this.#positions = new Map(positionsOf(message['partitions']).map(entry => [entry.number, entry]))
    this.#isAcknowledged = true
    this.#listener.acknowledged?.()
  }

  #resumed(message: Message): void {
    this.recovered[this.recovered.length - 1] = message['recovered']
    this.resumes++
    this.isCatchingUp = false
    this.#listener.resumed?.()
  }

  #event(event: Message): void {
    if (!this.#isAcknowledged) this.faults.push(`before the acknowledgement: ${JSON.stringify(event)}`)
    if (this.#listener.event === undefined) this.events.push(event)
    else this.#listener.event(event)
  }

  /** The numbers are those of the session, so they say nothing before its acknowledgement. */
  #position(message: Message): void {
    if (!this.#isAcknowledged) return
    if (message.T === 'partitions') this.#number(positionsOf(message['partitions']))
    else if (message.T === 'heartbeat') this.#beat(message['positions'] as [number, number][] | undefined)
    else if (message.T === 'shutdown')
      for (const [number, position] of (message['positions'] ?? []) as [number, number][])
        this.#advance(number, position)
    else if (message.T === 'coverage') this.#cover(message['ranges'] as [number, number, number][])
  }

  #number(partitions: readonly PartitionPosition[]): void {
    for (const entry of partitions) {
      for (const { number, topic, partition } of this.#positions.values())
        if (topic === entry.topic && partition === entry.partition) this.#positions.delete(number)
      this.#positions.set(entry.number, entry)
    }
  }

  #beat(positions: readonly [number, number][] = []): void {
    if (this.isCatchingUp && positions.length > 0)
      this.faults.push('positions in a heartbeat before "resumed"')
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
