import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../../src/diagnostics/ticker-error.ts'
import {
  NumberedReader,
  type NumberedReaderOptions,
  type PartitionRun,
  type ReaderTarget,
} from '../clients/numbered-reader.ts'
import type { Totals } from '../kafka/numbered-source.ts'
import { answerCalls } from '../lib/child.ts'
import { monotonicUs, ownCpuUs } from '../lib/clocks.ts'
import { latencyMs, sumOf } from '../lib/statistics.ts'

/** `steady` and `unacknowledged` acknowledge; in a stop, the latter does not, and `unread` does not read. */
export type ReaderKind = 'plain' | 'steady' | 'unread' | 'unacknowledged'

export interface ReaderSpec extends Pick<NumberedReaderOptions, 'subscribe' | 'begins' | 'looks'> {
  readonly kind: ReaderKind
  /** The numbers of its symbols; all if left out. */
  readonly wanted?: readonly number[]
}

/** How readers that connected at once came to have everything. */
export type Arrival = Awaited<ReturnType<NumberedReaders['arrive']>>
/** The events that the readers of a kind had in the end, as far as they looked at events. */
export type ReaderResult = ReturnType<typeof resultOf>

interface Reader {
  readonly spec: ReaderSpec
  stream: NumberedReader
  caughtUpMs: number
}

const openedTogether = 25
const retryMs = 500
/** As often as PROTOCOL.md wants it. */
const acknowledgeMs = 250
const pollMs = 50
const currentUs = 500_000
const buffer = Buffer.allocUnsafeSlow(256 * 1024)

let target: ReaderTarget | undefined
let symbols = 0
let readers: Reader[] = []
let isStopped = false
let readAgainMs = Number.NaN
let bytesBefore = 0

/** The functions of this process, which holds readers of numbered events. */
const functions = {
  /** Connects readers, some at a time; resolves with the partitions of the last one's acknowledgement. */
  async open(
    where: ReaderTarget,
    count: number,
    specs: readonly ReaderSpec[],
  ): Promise<readonly PartitionRun[]> {
    target = where
    symbols = count
    let partitions: readonly PartitionRun[] = []
    for (let from = 0; from < specs.length; from += openedTogether) {
      const opened = specs.slice(from, from + openedTogether).map(readerOf)
      readers.push(...opened)
      for (const { stream } of opened) ({ partitions } = await stream.acknowledged)
    }
    return partitions
  },

  /** Connects readers all at once, each until it succeeds; resolves when they have everything they missed. */
  async arrive(specs: readonly ReaderSpec[]) {
    const retries: Record<string, number> = {}
    const [begunMs, begunCpuUs] = [performance.now(), ownCpuUs()]
    const arrived = await Promise.all(specs.map(spec => arrive(spec, retries)))
    const cpuMs = (ownCpuUs() - begunCpuUs) / 1000
    readers.push(...arrived.map(({ reader }) => reader))
    const streams = arrived.map(({ reader }) => reader.stream)
    return {
      /** Of each reader, in ms from the beginning. */
      requestedMs: Float64Array.from(streams, ({ requestedMs }) => requestedMs - begunMs),
      acknowledgedMs: Float64Array.from(arrived, ({ acknowledgedMs }) => acknowledgedMs - begunMs),
      firstMs: Float64Array.from(streams, ({ firstMs }) => firstMs - begunMs),
      /** When everything missed had come; without a cursor, when the subscription was acknowledged. */
      recoveredMs: Float64Array.from(arrived, ({ recoveredMs }) => recoveredMs - begunMs),
      events: sumOf(streams, ({ checker }) => checker.trades + checker.quotes),
      bytes: sumOf(streams, ({ client }) => client.reader.bytes),
      cpuMs,
      /** Why connections failed and were tried again, and how often. */
      retries,
      /** Acknowledgements that did not promise everything. */
      notRecovered: arrived.filter(({ isRecovered }) => !isRecovered).length,
    }
  },

  cut(): void {
    for (const { stream } of readers) stream.cut()
    readers = []
  },

  /** Stops the readers that stop, each in its way. */
  stop(): void {
    isStopped = true
    for (const { spec, stream } of readers) if (spec.kind === 'unread') stream.client.pause()
  },

  readAgain(): void {
    isStopped = false
    readAgainMs = performance.now()
    for (const { spec, stream } of readers) if (spec.kind === 'unread') stream.client.resume()
  },

  /** The latencies of trades on steady connections since the last call, from sending to receipt. */
  latencies() {
    const all: number[] = []
    const steady = checked('steady')
    for (const { stream } of steady) {
      for (const us of stream.checker.latenciesUs ?? []) all.push(us)
      stream.checker.latenciesUs = []
    }
    const bytes = steady[0]?.stream.client.reader.bytes ?? 0
    /** With the bytes that one of them received. */
    const latencies = { ...latencyMs(all), bytes: bytes - bytesBefore }
    bytesBefore = bytes
    return latencies
  },

  /** Resolves when all that look at events have the last of each item, or after a time; these leave then. */
  async results(totals: Totals, timeoutMs: number) {
    const deadlineMs = performance.now() + timeoutMs
    while (performance.now() < deadlineMs && readers.some(reader => isUnfinished(reader, totals)))
      await pause(pollMs)
    const kinds = new Set(readers.map(({ spec }) => spec.kind))
    const found = [...kinds].map(kind => resultOf(kind, totals))
    for (const { spec, stream } of readers) if (spec.looks === 'at events') stream.cut()
    readers = readers.filter(({ spec }) => spec.looks !== 'at events')
    return found
  },
}

export type NumberedReaders = typeof functions

setInterval(() => {
  for (const { spec, stream } of readers)
    if (spec.kind === 'steady' || (spec.kind === 'unacknowledged' && !isStopped)) stream.acknowledge()
}, acknowledgeMs)

setInterval(() => {
  if (Number.isNaN(readAgainMs) || isStopped) return
  const nowUs = monotonicUs()
  for (const reader of readers) {
    const isCurrent = nowUs - reader.stream.checker.newestUs < currentUs
    if (isCurrent && Number.isNaN(reader.caughtUpMs)) reader.caughtUpMs = performance.now() - readAgainMs
  }
}, pollMs)

function readerOf(spec: ReaderSpec): Reader {
  const { subscribe, begins, looks } = spec
  if (target === undefined) throw new Error('no target is known')
  const stream = new NumberedReader({ target, symbols, subscribe, begins, looks, buffer })
  if (spec.kind === 'steady' && looks === 'at events') stream.checker.latenciesUs = []
  return { spec, stream, caughtUpMs: Number.NaN }
}

async function arrive(spec: ReaderSpec, retries: Record<string, number>) {
  const hasCursor = 'cursor' in spec.subscribe
  for (;;) {
    const reader = readerOf(spec)
    try {
      const { atMs: acknowledgedMs, recovered } = await reader.stream.acknowledged
      const recoveredMs = hasCursor ? await reader.stream.resumed : acknowledgedMs
      return { reader, acknowledgedMs, recoveredMs, isRecovered: !hasCursor || recovered === true }
    } catch (error) {
      const reason = messageOf(error)
      retries[reason] = (retries[reason] ?? 0) + 1
      await pause(retryMs * (0.5 + Math.random()))
    }
  }
}

function checked(kind: ReaderKind): Reader[] {
  return readers.filter(({ spec }) => spec.kind === kind && spec.looks === 'at events')
}

function isUnfinished({ spec, stream }: Reader, totals: Totals): boolean {
  return spec.looks === 'at events' && stream.checker.unfinished(totals, spec.wanted) > 0
}

function resultOf(kind: ReaderKind, totals: Totals) {
  const ofKind = checked(kind)
  const checkers = ofKind.map(({ stream }) => stream.checker)
  const messages: Record<string, number> = {}
  for (const { stream } of ofKind)
    for (const [T, count] of stream.messages) messages[T] = (messages[T] ?? 0) + count
  return {
    kind,
    readers: ofKind.length,
    /** Of the slowest: from the end of the stop until an event came that was less than half a second old. */
    caughtUpMs: Math.max(...ofKind.map(({ caughtUpMs }) => caughtUpMs)),
    trades: sumOf(checkers, ({ trades }) => trades),
    quotes: sumOf(checkers, ({ quotes }) => quotes),
    replaced: sumOf(checkers, ({ replaced }) => replaced),
    /** The most events that one quote replaced. */
    mostReplaced: Math.max(...checkers.map(({ mostReplaced }) => mostReplaced)),
    faults: {
      missing: sumOf(checkers, ({ faults }) => faults.missing),
      repeated: sumOf(checkers, ({ faults }) => faults.repeated),
      miscounted: sumOf(checkers, ({ faults }) => faults.miscounted),
      uncovered: sumOf(checkers, ({ faults }) => faults.uncovered),
    },
    /** Readers that lack the last event of an item. */
    unfinished: ofKind.filter(reader => isUnfinished(reader, totals)).length,
    /** How often messages came that are no events. */
    messages,
    complaints: ofKind.flatMap(({ stream }) => stream.complaints).slice(0, 5),
  }
}

answerCalls(functions)
