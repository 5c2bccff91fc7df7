import { setTimeout as pause } from 'node:timers/promises'
import { answerCalls } from './child-calls.ts'
import type { EventScan } from './event-scan.ts'
import { defaultForm, formNamed } from './forms.ts'
import { monotonicUs } from './monotonic-clock.ts'
import { StreamSocket, type StreamTarget } from './stream-socket.ts'

/** What was written to each subscriber: the length of every frame and when the first subscriber had it. */
export interface FrameTrace {
  readonly frameBytes: Uint32Array
  readonly atUs: Float64Array
}

export interface Received {
  /** Per subscriber; all have received the same. */
  readonly events: number
  readonly frames: number
  readonly bytes: number
  /** When the last byte came, by the monotonic clock. */
  readonly endedUs: number
  /** Of the trades on the sampled connections, in no order. */
  readonly latenciesUs: Float64Array
  readonly trace: FrameTrace
}

/** What every subscriber is to receive before a phase is over. */
export type Target = { readonly events: number } | { readonly frames: number }

const readBufferBytes = 256 * 1024
/** How many connections at most have every event looked at. */
const maxSampled = 5
const pollMs = 1
/** Handshakes at once. */
const openedTogether = 50

let streams: readonly StreamSocket[] = []
let samples: readonly EventScan[] = []
let trace: { frameBytes: number[]; atUs: number[] } = { frameBytes: [], atUs: [] }
let goneCount = 0
let form = formNamed(defaultForm)

/** The functions of this process, which holds all subscribers of a phase. */
const functions = {
  /** Opens so many connections and subscribes them. */
  async open(target: StreamTarget, count: number): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(readBufferBytes)
    const opened: StreamSocket[] = []
    goneCount = 0
    if (target.opening !== undefined && 'token' in target.opening)
      form = formNamed(target.opening.form ?? defaultForm)
    while (opened.length < count) {
      const next = Math.min(openedTogether, count - opened.length)
      opened.push(
        ...(await Promise.all(Array.from({ length: next }, () => StreamSocket.open(target, buffer)))),
      )
    }
    for (const stream of opened) {
      void stream.gone.then(() => goneCount++)
    }
    streams = opened
  },

  /** Begins to count anew. */
  begin(): void {
    trace = { frameBytes: [], atUs: [] }
    for (const { reader } of streams) {
      reader.frames = 0
      reader.bytes = 0
    }
    samples = sampledStreams().map((stream, index) => sample(stream, index === 0))
  },

  /** Resolves when every subscriber has received that; rejects when one is lost or the time is over. */
  async received(target: Target, timeoutMs: number): Promise<Received> {
    const deadlineMs = performance.now() + timeoutMs
    while (!isComplete(target)) {
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
      endedUs: monotonicUs(),
      latenciesUs: Float64Array.from(samples.flatMap(({ latenciesUs }) => latenciesUs)),
      trace: { frameBytes: Uint32Array.from(trace.frameBytes), atUs: Float64Array.from(trace.atUs) },
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

/** Some connections from the first to the last in the order of opening, which is the order of delivery. */
function sampledStreams(): StreamSocket[] {
  const count = Math.min(maxSampled, streams.length)
  const step = count > 1 ? (streams.length - 1) / (count - 1) : 0
  return Array.from({ length: count }, (_, index) => streams[Math.round(index * step)]).filter(
    stream => stream !== undefined,
  )
}

function sample({ reader }: StreamSocket, isTraced: boolean): EventScan {
  const scan = form.createScan()
  const { frameBytes, atUs } = trace
  reader.onFrame = (payload, length) => {
    scan.take(payload)
    if (!isTraced) return
    frameBytes.push(length)
    atUs.push(monotonicUs())
  }
  return scan
}

/** The first subscriber has reached the target, and the others have received as many bytes as it. */
function isComplete(target: Target): boolean {
  const [first] = streams
  const reached =
    'events' in target
      ? (samples[0]?.events ?? 0) >= target.events
      : first !== undefined && first.reader.frames >= target.frames
  return reached && streams.every(({ reader }) => reader.bytes === first?.reader.bytes)
}

function describeProgress(): string {
  const frames = streams.map(({ reader }) => reader.frames)
  return `${samples[0]?.events ?? 0} events in ${frames[0] ?? 0} frames on the first of ${frames.length}, ${Math.min(...frames)} frames on the last`
}

answerCalls(functions)
