import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { answerCalls } from '../child-calls.ts'
import { monotonicUs } from '../monotonic-clock.ts'

/** As large as an event. */
const message = Buffer.alloc(120, 'x')

/** The functions of a process that asks for echoes, as the producer's and the subscribers' processes are beside the gateway. */
const functions = {
  /** Sends so many messages at an even pace; from when each was due to when it was back, in µs. */
  async echo(port: number, perSecond: number, messages: number): Promise<Float64Array> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const begunUs = monotonicUs()
    const dueUs = (index: number): number => begunUs + (index * 1e6) / perSecond
    const answers = takeAnswers(socket, { messages, dueUs })
    for (let sent = 0; sent < messages; ) {
      await pause(1)
      for (const nowUs = monotonicUs(); sent < messages && dueUs(sent) <= nowUs; sent++) socket.write(message)
    }
    const latenciesUs = await answers
    socket.destroy()
    return latenciesUs
  },
}

export type EchoClient = typeof functions

interface Expected {
  readonly messages: number
  readonly dueUs: (index: number) => number
}

function takeAnswers(socket: Socket, { messages, dueUs }: Expected): Promise<Float64Array> {
  const latenciesUs = new Float64Array(messages)
  const { promise, resolve, reject } = Promise.withResolvers<Float64Array>()
  let bytes = 0
  let answered = 0
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
