import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { answerCalls, listenOnFreePort } from '../../lib/child.ts'
import { monotonicUs } from '../../lib/clocks.ts'

/** As large as an event. */
const message = Buffer.alloc(120, 'x')

/** The functions of both processes: the echo's server and its client. */
const functions = {
  /** Listens on a free port of 127.0.0.1 and sends back what it receives. */
  async listen(): Promise<number> {
    const server = createServer({ noDelay: true }, socket => {
      socket.on('error', () => undefined)
      socket.on('data', (bytes: Buffer) => socket.write(bytes))
    })
    return await listenOnFreePort(server)
  },

  /** Sends messages at an even pace; resolves with the µs from when each was due to when it was back. */
  async echo(port: number, perSecond: number, messages: number): Promise<Float64Array> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const begunUs = monotonicUs()
    const dueUs = (index: number): number => begunUs + (index * 1e6) / perSecond
    const answers = takeAnswers(socket, messages, dueUs)
    for (let sent = 0; sent < messages; ) {
      await pause(1)
      for (const nowUs = monotonicUs(); sent < messages && dueUs(sent) <= nowUs; sent++) socket.write(message)
    }
    const latenciesUs = await answers
    socket.destroy()
    return latenciesUs
  },
}

export type Echo = typeof functions

function takeAnswers(
  socket: Socket,
  messages: number,
  dueUs: (index: number) => number,
): Promise<Float64Array> {
  const latenciesUs = new Float64Array(messages)
  const { promise, resolve, reject } = Promise.withResolvers<Float64Array>()
  let [bytes, answered] = [0, 0]
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    const nowUs = monotonicUs()
    for (; answered < Math.floor(bytes / message.length); answered++)
      latenciesUs[answered] = nowUs - dueUs(answered)
    if (answered === messages) resolve(latenciesUs)
  })
  socket.once('error', reject)
  return promise
}

answerCalls(functions)
