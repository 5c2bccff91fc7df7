import { setTimeout as pause } from 'node:timers/promises'
import { openStream, type StreamTarget } from '../../clients/stream-socket.ts'
import type { WebSocketClient } from '../../clients/web-socket-client.ts'
import { itemOf } from '../../kafka/tape-producer.ts'
import { answerCalls } from '../../lib/child.ts'
import { monotonicUs } from '../../lib/clocks.ts'

/** When the events of each item came, in order, in µs. */
export type ArrivalTimes = Readonly<Record<string, readonly number[]>>

const readBufferBytes = 256 * 1024
const pollMs = 5

let sockets: WebSocketClient[] = []
let arrivals: Record<string, number[]> = {}
let events = 0
let goneCount = 0

/** The functions of this process, which holds subscribers of everything of one feed. */
const functions = {
  /** Connects so many; only the last one, to which an event is written last, looks at events. */
  async open(target: StreamTarget, count: number): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(readBufferBytes)
    for (let index = 0; index < count; index++) {
      const onFrame = index === count - 1 ? take : undefined
      const socket = await openStream(target, { symbols: [], index }, { buffer, onFrame })
      sockets.push(socket)
      void socket.gone.then(() => goneCount++)
    }
  },

  begin(): void {
    arrivals = {}
    events = 0
  },

  /** Resolves when so many events have come; rejects when a connection ends, or in the end. */
  async received(expected: number, timeoutMs: number): Promise<ArrivalTimes> {
    const deadlineMs = performance.now() + timeoutMs
    const isComplete = (): boolean => events >= expected
    while (!isComplete()) {
      if (goneCount > 0) throw new Error(`${goneCount} connections were ended by the server`)
      if (performance.now() > deadlineMs)
        throw new Error(`${events} of ${expected} events came in ${timeoutMs} ms`)
      await pause(pollMs)
    }
    return arrivals
  },

  async close(): Promise<void> {
    for (const socket of sockets) socket.close()
    await Promise.all(sockets.map(({ gone }) => gone))
    sockets = []
    goneCount = 0
  },
}

export type TapeReaders = typeof functions

function take(payload: Buffer): void {
  const us = monotonicUs()
  // The gateway's frames are arrays of messages.
  const messages = JSON.parse(payload.toString('utf8')) as readonly {
    readonly T: string
    readonly S?: string
  }[]
  for (const { T, S } of messages) {
    if (S === undefined || (T !== 't' && T !== 'q')) continue
    ;(arrivals[itemOf(T, S)] ??= []).push(us)
    events++
  }
}

answerCalls(functions)
