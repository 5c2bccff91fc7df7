import { WebSocket } from 'ws'
import { answerCalls } from './child-calls.ts'
import { quantileOf } from './statistics.ts'

/** Round trips of a session that wants nothing. */
export interface Waits {
  readonly probes: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** The longest round trip, answered or not. */
  readonly longestMs: number
}

const probeEveryMs = 5

let webSocket: WebSocket | undefined
let timer: NodeJS.Timeout | undefined
let roundTripsMs: number[] = []
const underWay = new Map<number, number>()
let sent = 0

/** The functions of this process: one session, whose pings are answered in the gateway's event loop. */
const functions = {
  async open(url: string, token: string): Promise<void> {
    const opened = Promise.withResolvers<void>()
    webSocket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      rejectUnauthorized: false,
      perMessageDeflate: false,
    })
    webSocket.on('message', () => opened.resolve())
    webSocket.on('error', opened.reject)
    webSocket.on('close', code => opened.reject(new Error(`closed with ${code}`)))
    webSocket.on('pong', (number: Buffer) => answered(Number(number)))
    await opened.promise
    timer = setInterval(probe, probeEveryMs)
  },

  /** Begins to count anew. */
  begin(): void {
    roundTripsMs = []
    underWay.clear()
  },

  /** What was counted so far. */
  waits(): Waits {
    const nowMs = performance.now()
    const all = [...roundTripsMs, ...[...underWay.values()].map(sentMs => nowMs - sentMs)]
    return {
      probes: all.length,
      p50Ms: quantileOf(all, 0.5),
      p99Ms: quantileOf(all, 0.99),
      longestMs: quantileOf(all, 1),
    }
  },

  close(): void {
    clearInterval(timer)
    webSocket?.terminate()
  },
}

export type Bystander = typeof functions

function probe(): void {
  if (webSocket?.readyState !== WebSocket.OPEN) return
  const number = sent++
  underWay.set(number, performance.now())
  webSocket.ping(String(number))
}

function answered(number: number): void {
  const sentMs = underWay.get(number)
  if (sentMs === undefined) return
  underWay.delete(number)
  roundTripsMs.push(performance.now() - sentMs)
}

answerCalls(functions)
