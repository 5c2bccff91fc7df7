import { setTimeout as pause } from 'node:timers/promises'
import { answerCalls } from './child-calls.ts'
import { defaultForm, formNamed, type FrameScan } from './forms.ts'
import { StreamSocket, type StreamTarget } from './stream-socket.ts'

export interface Received {
  /** Per subscriber; all have received the same. */
  readonly events: number
  readonly frames: number
  readonly bytes: number
  /** Of the trades on the sampled connections, in no order. */
  readonly latenciesUs: Float64Array
  /** When each of these was sent. */
  readonly sentUs: Float64Array
}

const readBufferBytes = 256 * 1024
/** How many connections at most have every event looked at. */
const maxSampled = 5
const pollMs = 1
/** Handshakes at once. */
const openedTogether = 50

let streams: readonly StreamSocket[] = []
let samples: readonly FrameScan[] = []
let goneCount = 0

/** The functions of this process, which holds all subscribers of a phase. */
const functions = {
  /** Opens so many connections and subscribes them. */
  async open(target: StreamTarget, count: number): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(readBufferBytes)
    const opened: StreamSocket[] = []
    goneCount = 0
    const scans = scansOf(target, count)
    while (opened.length < count) {
      const next = Array.from({ length: Math.min(openedTogether, count - opened.length) }, (_, index) => {
        const scan = scans.get(opened.length + index)
        return StreamSocket.open(
          target,
          buffer,
          scan === undefined ? undefined : payload => scan.take(payload),
        )
      })
      opened.push(...(await Promise.all(next)))
    }
    for (const stream of opened) {
      void stream.gone.then(() => goneCount++)
    }
    streams = opened
    samples = [...scans.values()]
  },

  /** Begins to count anew. */
  begin(): void {
    for (const { reader } of streams) {
      reader.frames = 0
      reader.bytes = 0
    }
    for (const scan of samples) scan.begin()
  },

  /** Resolves when every subscriber has received so many events; rejects when one is lost or the time is over. */
  async received(events: number, timeoutMs: number): Promise<Received> {
    const deadlineMs = performance.now() + timeoutMs
    while (!isComplete(events)) {
      if (goneCount > 0)
        throw new Error(`${goneCount} connections were ended by the server; ${describeProgress()}`)
      if (performance.now() > deadlineMs)
        throw new Error(`not all received after ${timeoutMs} ms; ${describeProgress()}`)
      await pause(pollMs)
    }
    const [first] = streams
    return {
      events: samples[0]?.events ?? 0,
      frames: first?.reader.frames ?? 0,
      bytes: first?.reader.bytes ?? 0,
      latenciesUs: Float64Array.from(samples.flatMap(({ latenciesUs }) => latenciesUs)),
      sentUs: Float64Array.from(samples.flatMap(({ sentUs }) => sentUs)),
    }
  },

  /** Ends all connections. */
  async close(): Promise<void> {
    for (const stream of streams) stream.close()
    await Promise.all(streams.map(({ gone }) => gone))
    streams = []
  },
}

export type Subscribers = typeof functions

/** Who looks at the events of some connections from the first to the last in the order of opening, which is the order of delivery. */
function scansOf({ opening }: StreamTarget, count: number): Map<number, FrameScan> {
  const name = opening !== undefined && 'token' in opening ? opening.form : undefined
  const form = formNamed(name ?? defaultForm)
  const sampled = Math.min(maxSampled, count)
  const step = sampled > 1 ? (count - 1) / (sampled - 1) : 0
  return new Map(
    Array.from({ length: sampled }, (_, index) => [Math.round(index * step), form.createScan()] as const),
  )
}

/** The first subscriber has so many events, and the others have received as many bytes as it. */
function isComplete(events: number): boolean {
  const [first] = streams
  return (
    (samples[0]?.events ?? 0) >= events && streams.every(({ reader }) => reader.bytes === first?.reader.bytes)
  )
}

function describeProgress(): string {
  const frames = streams.map(({ reader }) => reader.frames)
  return `${samples[0]?.events ?? 0} events in ${frames[0] ?? 0} frames on the first of ${frames.length}, ${Math.min(...frames)} frames on the last`
}

answerCalls(functions)
