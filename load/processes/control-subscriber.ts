import { WebSocket } from 'ws'
import { answerCalls } from '../lib/child.ts'
import { quantileOf } from '../lib/statistics.ts'

const pingEveryMs = 5

let webSocket: WebSocket | undefined
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
    setInterval(ping, pingEveryMs)
  },

  begin(): void {
    roundTripsMs = []
    underWay.clear()
  },

  /** Of a session that subscribes to nothing; the longest may be unanswered. */
  roundTrips() {
    const nowMs = performance.now()
    const all = [...roundTripsMs, ...[...underWay.values()].map(sentMs => nowMs - sentMs)]
    const [p50Ms, p99Ms, longestMs] = [quantileOf(all, 0.5), quantileOf(all, 0.99), quantileOf(all, 1)]
    return { count: all.length, p50Ms, p99Ms, longestMs }
  },
}

export type ControlSubscriber = typeof functions

function ping(): void {
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
