import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { answerCalls } from './child-calls.ts'
import { monotonicUs } from './monotonic-clock.ts'
import type { FrameTrace } from './subscribers.ts'

// The least that a Node server can do: the frames of a phase of the gateway, made beforehand, written with bare
// `socket.write` to as many sockets, at the times at which they came.

const connectTimeoutMs = 5000

const sockets = new Set<Socket>()
const server = createServer({ noDelay: true }, socket => {
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.once('close', () => sockets.delete(socket))
  socket.resume()
})

let frames: readonly Buffer[] = []
let dueUs: readonly number[] = []

/** The functions of the floor server. */
const functions = {
  /** Listens on a free port of 127.0.0.1 and tells it. */
  async listen(): Promise<number> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return portOf(server.address())
  },

  /** Makes the frames that `replay` will write, and waits until so many sockets are there. */
  async prepare({ frameBytes, atUs }: FrameTrace, connections: number): Promise<void> {
    const [begunUs = 0] = atUs
    frames = Array.from(frameBytes, makeFrame)
    dueUs = Array.from(atUs, us => us - begunUs)
    const deadlineMs = performance.now() + connectTimeoutMs
    while (sockets.size !== connections) {
      if (performance.now() > deadlineMs)
        throw new Error(`${sockets.size} connections instead of ${connections}`)
      await pause(1)
    }
  },

  /** Writes every frame to every socket when it is due. Timers are in whole milliseconds, so frames may go out together. */
  async replay(): Promise<void> {
    const begunUs = monotonicUs()
    let next = 0
    for (;;) {
      const elapsedUs = monotonicUs() - begunUs
      while (next < frames.length && (dueUs[next] ?? 0) <= elapsedUs) writeToAll(frames[next++])
      if (next === frames.length) return
      await pause(Math.ceil(((dueUs[next] ?? 0) - elapsedUs) / 1000))
    }
  },
}

export type FloorServer = typeof functions

function writeToAll(frame: Buffer | undefined): void {
  if (frame !== undefined) for (const socket of sockets) socket.write(frame)
}

/** A text frame of this length, header included, filled with spaces. */
function makeFrame(frameBytes: number): Buffer {
  const frame = Buffer.alloc(frameBytes, ' ')
  frame[0] = 0x81
  if (frameBytes < 2 + 126) {
    frame[1] = frameBytes - 2
  } else if (frameBytes < 4 + 65_536) {
    frame[1] = 126
    frame.writeUInt16BE(frameBytes - 4, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(frameBytes - 10), 2)
  }
  return frame
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the floor server listens on no port')
  return address.port
}

answerCalls(functions)
