import { once } from 'node:events'
import { channels } from '../../../src/event/event.ts'
import { WebSocket } from 'ws'
import type { GatewayProcess } from '../../support/gateway-process.ts'
import { numberOf } from './numbered-event.ts'

interface Message {
  readonly T: string
  readonly msg?: string
}

/** What comes beside events as a rule. */
const usual = new Set(['heartbeat', 'success', 'coverage', 'subscription'])

const everything = {
  action: 'subscribe',
  ...Object.fromEntries(channels.map(channel => [channel, ['*']])),
  policy: Object.fromEntries(channels.map(channel => [channel, 'every'])),
}

/** Subscribes to everything, each event of it, and keeps the numbers; nothing else, however long it takes. */
export class SteadySubscriber {
  readonly numbers: number[] = []
  /** Messages besides events, coverage, successes and heartbeats. */
  readonly others: string[] = []
  readonly #socket: WebSocket
  #isClosing = false

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  static async open(gateway: GatewayProcess): Promise<SteadySubscriber> {
    const authorization = `Bearer ${await gateway.token({ lifetimeS: 7 * 86_400 })}`
    const socket = new WebSocket(gateway.streamUrl, { perMessageDeflate: false, headers: { authorization } })
    const subscriber = new SteadySubscriber(socket)
    const subscribed = Promise.withResolvers<void>()
    socket.on('message', (data: Buffer) => {
      for (const message of JSON.parse(data.toString()) as readonly Message[]) {
        if (message.msg === 'authenticated') socket.send(JSON.stringify(everything))
        else if (message.T === 'subscription') subscribed.resolve()
        else subscriber.#take(message)
      }
    })
    socket.on('close', (code, reason) => {
      if (!subscriber.#isClosing) subscriber.others.push(`closed: ${code} ${String(reason)}`)
    })
    await subscribed.promise
    return subscriber
  }

  async close(): Promise<void> {
    this.#isClosing = true
    if (this.#socket.readyState === WebSocket.CLOSED) return
    this.#socket.close()
    await once(this.#socket, 'close')
  }

  #take(message: Message): void {
    const number = numberOf(message)
    if (!Number.isNaN(number)) this.numbers.push(number)
    else if (!usual.has(message.T)) this.others.push(JSON.stringify(message))
  }
}
