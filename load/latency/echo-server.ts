import { once } from 'node:events'
import { createServer } from 'node:net'
import { answerCalls } from '../child-calls.ts'
import { portOf } from '../port-of.ts'

/** The functions of a server that sends back what it receives. */
const functions = {
  /** Listens on a free port of 127.0.0.1 and tells it. */
  async listen(): Promise<number> {
    const server = createServer({ noDelay: true }, socket => {
      socket.on('error', () => undefined)
      socket.on('data', (bytes: Buffer) => socket.write(bytes))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return portOf(server.address())
  },
}

export type EchoServer = typeof functions

answerCalls(functions)
