import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../../src/diagnostics/ticker-error.ts'
import { answerCalls } from '../child-calls.ts'
import { NumberedReader } from '../numbered-reader.ts'
import { symbolOf, type Totals } from '../numbered-source.ts'
import type { WireTarget } from '../wire-client.ts'

/** The clients that a process holds. */
export interface Crowd {
  readonly target: WireTarget
  readonly symbols: number
  /** Symbols that each wants. */
  readonly wanted: number
  /** The number of the first. */
  readonly first: number
  readonly count: number
}

/** Where clients were, and what had been published until then. */
export interface Bookmark {
  readonly partitions: readonly object[]
  readonly totals: Totals
}

/** How a process' clients came back; times in ms from the beginning, one of each client. */
export interface Return {
  readonly acknowledgedMs: Float64Array
  /** When everything missed had come; the same as above without cursors. */
  readonly recoveredMs: Float64Array
  readonly events: number
  /** Connections that failed and were tried again. */
  readonly retries: number
  /** Why, and how often. */
  readonly reasons: Readonly<Record<string, number>>
  /** Acknowledgements that did not promise everything. */
  readonly notWhole: number
}

/** What they had in the end. */
export interface CrowdAccount {
  readonly events: number
  readonly missing: number
  readonly repeated: number
  readonly uncovered: number
  /** Clients that lack the last trade of one of their symbols. */
  readonly unfinished: number
  readonly complaints: readonly string[]
}

/** Connections at once before anything is measured. */
const openedTogether = 25
const retryMs = 500
const pollMs = 200
/** Prime to 300: lists of neighbours differ. */
const listStep = 7
const unused = Buffer.alloc(0)

let crowd: Crowd | undefined
let readers: NumberedReader[] = []
const reasons = new Map<string, number>()

/** The functions of this process, which holds some of the clients. */
const functions = {
  /** Connects all of them, some at a time. */
  async connect(wanted: Crowd): Promise<void> {
    crowd = wanted
    readers = []
    while (readers.length < wanted.count) {
      const next = Math.min(openedTogether, wanted.count - readers.length)
      const opened = Array.from({ length: next }, (_, index) => read(wanted, readers.length + index))
      readers.push(...opened)
      await Promise.all(opened.map(({ acknowledged }) => acknowledged))
    }
  },

  /** Breaks all connections. */
  cut(): void {
    for (const reader of readers) reader.cut()
  },

  /** Connects all of them again at once; resolves when all have everything that they missed. */
  async return(bookmark: Bookmark | undefined): Promise<Return> {
    const whole = crowd!
    reasons.clear()
    const begunMs = performance.now()
    const came = await Promise.all(readers.map((_, index) => comeBack(whole, index, bookmark)))
    const column = (figure: (one: Came) => number) => Float64Array.from(came, figure)
    return {
      acknowledgedMs: column(({ acknowledgedMs }) => acknowledgedMs - begunMs),
      recoveredMs: column(({ recoveredMs }) => recoveredMs - begunMs),
      events: readers.reduce((sum, { ledger }) => sum + ledger.trades + ledger.quotes, 0),
      retries: came.reduce((sum, { retries }) => sum + retries, 0),
      reasons: Object.fromEntries(reasons),
      notWhole: came.filter(({ isWhole }) => !isWhole).length,
    }
  },

  /** Resolves when each has the last trade of each of its symbols, or after a time; they leave then. */
  async account(totals: Totals, timeoutMs: number): Promise<CrowdAccount> {
    const whole = crowd!
    const deadlineMs = performance.now() + timeoutMs
    const unfinished = () =>
      readers.filter(({ ledger }, index) => ledger.unfinishedTrades(totals, listOf(whole, index)) > 0).length
    while (unfinished() > 0 && performance.now() < deadlineMs) await pause(pollMs)
    const sum = (figure: (reader: NumberedReader) => number) =>
      readers.reduce((total, reader) => total + figure(reader), 0)
    functions.cut()
    return {
      events: sum(({ ledger }) => ledger.trades + ledger.quotes),
      missing: sum(({ ledger }) => ledger.faults.missing),
      repeated: sum(({ ledger }) => ledger.faults.repeated),
      uncovered: sum(({ ledger }) => ledger.faults.uncovered),
      unfinished: unfinished(),
      complaints: readers.flatMap(({ complaints }) => complaints).slice(0, 5),
    }
  },
}

export type Clients = typeof functions

interface Came {
  readonly acknowledgedMs: number
  readonly recoveredMs: number
  readonly retries: number
  readonly isWhole: boolean
}

async function comeBack(whole: Crowd, index: number, bookmark: Bookmark | undefined): Promise<Came> {
  for (let retries = 0; ; retries++) {
    const reader = read(whole, index, bookmark)
    readers[index] = reader
    try {
      const { atMs, recovered } = await reader.acknowledged
      const recoveredMs = bookmark === undefined ? atMs : await reader.resumed
      return { acknowledgedMs: atMs, recoveredMs, retries, isWhole: recovered !== false }
    } catch (error) {
      const reason = messageOf(error)
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      await pause(retryMs * (0.5 + Math.random()))
    }
  }
}

function read(whole: Crowd, index: number, bookmark?: Bookmark): NumberedReader {
  const { target, symbols } = whole
  const names = listOf(whole, index).map(symbolOf)
  const list = { trades: names, quotes: names }
  const fixed = { target, symbols, looks: 'at events', buffer: unused } as const
  if (bookmark === undefined) return new NumberedReader({ ...fixed, subscribe: list, begins: {} })
  const { partitions, totals } = bookmark
  const subscribe = { ...list, cursor: { version: 1, partitions } }
  return new NumberedReader({ ...fixed, subscribe, begins: { trades: totals.trades } })
}

/** The numbers of a client's symbols: a list that hardly any other client has. */
function listOf({ symbols, wanted, first }: Crowd, index: number): number[] {
  const client = first + index
  const step = listStep + 2 * (Math.floor(client / symbols) % 50) * 3
  const list = new Set<number>()
  for (let at = client; list.size < wanted; at += step) list.add(freeFrom(list, at % symbols, symbols))
  return [...list]
}

function freeFrom(list: ReadonlySet<number>, at: number, symbols: number): number {
  let free = at
  while (list.has(free)) free = (free + 1) % symbols
  return free
}

answerCalls(functions)
