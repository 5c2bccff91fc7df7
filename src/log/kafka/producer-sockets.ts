import type { Socket } from 'node:net'
import { KafkaError } from './kafka-error.ts'

/** The sockets of one producer. Once they are shut nothing more is sent, whatever the library still tries. */
export class ProducerSockets {
  readonly #open = new Set<Socket>()
  #isClosed = false

  /** Takes a socket in; one that comes too late is destroyed. */
  add(socket: Socket): Socket {
    this.#open.add(socket)
    if (this.#isClosed) socket.destroy(closedError())
    return socket.once('close', () => this.#open.delete(socket))
  }

  /** Lets no further socket come up. */
  close(): void {
    this.#isClosed = true
  }

  /** Cuts those that are open. */
  cut(): void {
    for (const socket of this.#open) socket.destroy(closedError())
  }
}

function closedError(): KafkaError {
  return new KafkaError('the producer was closed')
}
