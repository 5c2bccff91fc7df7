import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

const produceKey = 0
const metadataKey = 3
const topicAuthorizationFailed = 29

/**
 * Stands before a broker; takes the first produce request, loses its answer, and from then on says that
 * rights to `topic` are missing.
 */
export class RevokingBroker {
  readonly #server: Server
  readonly #target: number
  readonly #topic: string
  #isLost = false

  private constructor(server: Server, target: number, topic: string) {
    this.#server = server
    this.#target = target
    this.#topic = topic
    server.on('connection', client => this.#join(client))
  }

  /** Listens on a free port, until the test has finished. */
  static async start(target: number, topic: string): Promise<RevokingBroker> {
    const server = createServer()
    const broker = new RevokingBroker(server, target, topic)
    server.listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    return broker
  }

  /** A connection to this, whichever broker was meant. */
  connect(onConnect: () => void): Socket {
    const { port } = this.#server.address() as AddressInfo
    return connect(port, '127.0.0.1', onConnect)
  }

  #join(client: Socket): void {
    const broker = connect(this.#target, '127.0.0.1')
    const apis = new Map<number, number>()
    client.on('error', () => {}).on('close', () => broker.destroy())
    broker.on('error', () => {}).on('close', () => client.destroy())
    onFrame(client, request => {
      apis.set(request.readInt32BE(8), request.readInt16BE(4))
      broker.write(request)
    })
    onFrame(broker, answer => this.#hand(client, answer, apis.get(answer.readInt32BE(4))))
  }

  #hand(client: Socket, answer: Buffer, api: number | undefined): void {
    if (api === produceKey && !this.#isLost) {
      this.#isLost = true
      client.destroy()
      return
    }
    // The error code stands before the name and its length.
    const at = answer.indexOf(this.#topic) - 4
    if (api === metadataKey && this.#isLost && at > 0) answer.writeInt16BE(topicAuthorizationFailed, at)
    client.write(answer)
  }
}

function onFrame(socket: Socket, take: (frame: Buffer) => void): void {
  let held = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes])
    while (held.length >= 4 && held.length >= 4 + held.readInt32BE(0)) {
      const length = 4 + held.readInt32BE(0)
      take(Buffer.from(held.subarray(0, length)))
      held = held.subarray(length)
    }
  })
}
