import { setTimeout as pause } from 'node:timers/promises'
import { answerCalls } from '../child-calls.ts'
import type { LedgerFaults } from '../event-ledger.ts'
import { monotonicUs } from '../monotonic-clock.ts'
import { NumberedReader } from '../numbered-reader.ts'
import type { Totals } from '../numbered-source.ts'
import { quantileOf } from '../statistics.ts'
import type { WireTarget } from '../wire-client.ts'

/** `unread` leaves what comes to the kernel while it stands, `unacknowledged` reads and says nothing. The latter and `steady` acknowledge. */
export type Kind = 'steady' | 'unread' | 'unacknowledged'

/** From sending to receipt, of the trades on some steady connections. */
export interface Latencies {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly samples: number
  /** Received by a steady reader. */
  readonly bytes: number
}

/** What the readers of a kind had in the end. */
export interface KindAccount {
  readonly kind: Kind
  /** Whose events were looked at. */
  readonly readers: number
  /** Of the slowest: from reading again until what came was less than half a second old. */
  readonly caughtUpMs: number
  readonly trades: number
  readonly quotes: number
  /** The sum of what quotes said to replace, and the most that one did. */
  readonly replaced: number
  readonly mostReplaced: number
  readonly faults: LedgerFaults
  /** Readers that lack the last event of an item. */
  readonly unfinished: number
  /** How often messages came that are no events. */
  readonly messages: Readonly<Record<string, number>>
  readonly complaints: readonly string[]
}

interface Reader {
  readonly kind: Kind
  readonly stream: NumberedReader
  /** Whether its events are looked at. */
  readonly isSampled: boolean
  caughtUpMs: number
}

const kinds: readonly Kind[] = ['steady', 'unread', 'steady', 'unacknowledged']
/** Steady readers whose events are looked at. */
const mostSampled = 10
const openedTogether = 20
/** As often as PROTOCOL.md wants it. */
const acknowledgeMs = 250
const pollMs = 50
const currentUs = 500_000
const subscribe = { trades: ['*'], quotes: ['*'] }
const buffer = Buffer.allocUnsafeSlow(256 * 1024)

let readers: Reader[] = []
let isStanding = false
let readAgainMs = 0
let bytesBefore = 0

/** The functions of this process, which holds all subscribers. */
const functions = {
  /** Opens so many, the kinds in turn; `begins` is what was published before. */
  async open(target: WireTarget, begins: Totals, count: number): Promise<void> {
    readers = []
    const symbols = begins.trades.length
    const fixed = { target, subscribe, symbols, begins, buffer }
    while (readers.length < count) {
      const next = Math.min(openedTogether, count - readers.length)
      const opened = Array.from({ length: next }, (_, index): Reader => {
        const number = readers.length + index
        const kind = kinds[number % kinds.length]!
        const isSampled = kind !== 'steady' || isSample(number, count)
        const looks = isSampled ? 'at events' : 'at frames'
        return { kind, stream: new NumberedReader({ ...fixed, looks }), isSampled, caughtUpMs: Number.NaN }
      })
      readers.push(...opened)
      await Promise.all(opened.map(({ stream }) => stream.acknowledged))
    }
    functions.latencies()
  },

  /** Of the time since it was asked last. */
  latencies(): Latencies {
    const all: number[] = []
    for (const {
      stream: { ledger },
    } of sampled('steady')) {
      for (const us of ledger.latenciesUs ?? []) all.push(us)
      ledger.latenciesUs = []
    }
    const bytes = sampled('steady')[0]?.stream.bytes ?? 0
    const taken = { samples: all.length, bytes: bytes - bytesBefore }
    bytesBefore = bytes
    const ms = (quantile: number) => quantileOf(all, quantile) / 1000
    return { p50Ms: ms(0.5), p99Ms: ms(0.99), maxMs: ms(1), ...taken }
  },

  /** Lets a half stand still, in its two ways. */
  stand(): void {
    isStanding = true
    for (const { kind, stream } of readers) if (kind === 'unread') stream.pause()
  },

  /** Lets them go on. */
  readAgain(): void {
    isStanding = false
    readAgainMs = performance.now()
    for (const { kind, stream } of readers) if (kind === 'unread') stream.resume()
  },

  /** Resolves when all have the last event of each item, or after a time; they leave then. */
  async accounts(totals: Totals, timeoutMs: number): Promise<readonly KindAccount[]> {
    const deadlineMs = performance.now() + timeoutMs
    const isDone = ({ ledger }: NumberedReader) => ledger.unfinished(totals) === 0
    while (
      performance.now() < deadlineMs &&
      !readers.every(({ isSampled, stream }) => !isSampled || isDone(stream))
    )
      await pause(pollMs)
    const found = (['steady', 'unread', 'unacknowledged'] as const).map(kind => accountOf(kind, totals))
    for (const { stream } of readers) stream.cut()
    readers = []
    return found
  },
}

export type SlowReaders = typeof functions

setInterval(() => {
  for (const { kind, stream } of readers)
    if (kind === 'steady' || (kind === 'unacknowledged' && !isStanding)) stream.acknowledge()
}, acknowledgeMs)

setInterval(() => {
  if (readAgainMs === 0 || isStanding) return
  const nowUs = monotonicUs()
  for (const reader of readers) {
    const isCurrent = nowUs - reader.stream.ledger.newestUs < currentUs
    if (isCurrent && Number.isNaN(reader.caughtUpMs)) reader.caughtUpMs = performance.now() - readAgainMs
  }
}, pollMs)

function sampled(kind: Kind): Reader[] {
  return readers.filter(reader => reader.isSampled && reader.kind === kind)
}

/** Steady readers have the even numbers; some of them from the first to the last. */
function isSample(number: number, count: number): boolean {
  const step = 2 * Math.ceil(count / 2 / mostSampled)
  return number % step === 0
}

function accountOf(kind: Kind, totals: Totals): KindAccount {
  const ofKind = sampled(kind)
  const ledgers = ofKind.map(({ stream }) => stream.ledger)
  const sum = (figure: (ledger: (typeof ledgers)[number]) => number) =>
    ledgers.reduce((total, ledger) => total + figure(ledger), 0)
  const messages: Record<string, number> = {}
  for (const { stream } of ofKind)
    for (const [T, count] of stream.messages) messages[T] = (messages[T] ?? 0) + count
  return {
    kind,
    readers: ofKind.length,
    caughtUpMs: Math.max(...ofKind.map(({ caughtUpMs }) => caughtUpMs)),
    trades: sum(({ trades }) => trades),
    quotes: sum(({ quotes }) => quotes),
    replaced: sum(({ replaced }) => replaced),
    mostReplaced: Math.max(...ledgers.map(({ mostReplaced }) => mostReplaced)),
    faults: {
      missing: sum(({ faults }) => faults.missing),
      repeated: sum(({ faults }) => faults.repeated),
      miscounted: sum(({ faults }) => faults.miscounted),
      uncovered: sum(({ faults }) => faults.uncovered),
    },
    unfinished: ledgers.filter(ledger => ledger.unfinished(totals) > 0).length,
    messages,
    complaints: ofKind.flatMap(({ stream }) => stream.complaints).slice(0, 5),
  }
}

answerCalls(functions)
