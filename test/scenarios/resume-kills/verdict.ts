import type { TrueRecord } from '../../long/kafka-faults/truth.ts'
import type { PartitionPosition } from '../../support/partition-runs.ts'

/** What a subscriber has to show at the end. */
export interface Account {
  /** Its watch list; `*` is every symbol. */
  readonly symbols: readonly string[]
  /** The numbers of the trades that it has, as they came. */
  readonly numbers: readonly number[]
  readonly positions: readonly PartitionPosition[]
  readonly faults: readonly string[]
  readonly lost: readonly unknown[]
  readonly recovered: readonly unknown[]
}

/** What is wrong with all of them together, in events of subscribers unless it says otherwise. */
export interface Verdict {
  /** In Kafka, and never delivered. */
  readonly lost: number
  /** Delivered again. */
  readonly twice: number
  /** Delivered, and not in Kafka or not asked for. */
  readonly invented: number
  /** Delivered after a later one of the same symbol. */
  readonly disordered: number
  /** Frames that did not go on where the reader was, errors, and what came out of turn. */
  readonly faults: readonly string[]
  /** Ranges that were reported as lost. */
  readonly reportedLost: number
  /** Resumes whose `recovered` was not true. */
  readonly notRecovered: number
  /** Partitions of subscribers whose last position is before the last event. */
  readonly uncovered: number
}

/** What nothing being wrong comes to. */
export const flawless: Verdict = {
  lost: 0,
  twice: 0,
  invented: 0,
  disordered: 0,
  faults: [],
  reportedLost: 0,
  notRecovered: 0,
  uncovered: 0,
}

/**
 * Compares what each subscriber has with what Kafka holds, the topic's records in the order of each
 * partition.
 */
export function judge(accounts: readonly Account[], topic: string, truth: readonly TrueRecord[]): Verdict {
  const symbolOf = new Map(truth.map(({ number, symbol }) => [number, symbol]))
  const ends = new Map(truth.map(({ partition, offset }) => [partition, offset + 1]))
  const offsets = new Map(truth.map(({ number, offset }) => [number, offset]))
  const sum = (count: (account: Account) => number): number =>
    accounts.reduce((total, account) => total + count(account), 0)
  const isWanted = ({ symbols }: Account, symbol: string | undefined): boolean =>
    symbol !== undefined && (symbols.includes('*') || symbols.includes(symbol))
  return {
    lost: sum(account => {
      const had = new Set(account.numbers)
      return truth.filter(({ number, symbol }) => isWanted(account, symbol) && !had.has(number)).length
    }),
    twice: sum(({ numbers }) => numbers.length - new Set(numbers).size),
    invented: sum(
      account => account.numbers.filter(number => !isWanted(account, symbolOf.get(number))).length,
    ),
    disordered: sum(({ numbers }) => disordersOf(numbers, { symbolOf, offsets })),
    faults: accounts.flatMap(({ faults }) => faults),
    reportedLost: sum(({ lost }) => lost.length),
    notRecovered: sum(({ recovered }) => recovered.filter(isWhole => isWhole !== true).length),
    uncovered: sum(({ positions }) => {
      const reached = new Map(
        positions.flatMap(at => (at.topic === topic ? [[at.partition, at.position]] : [])),
      )
      return [...ends].filter(([partition, end]) => (reached.get(partition) ?? -1) < end).length
    }),
  }
}

interface RecordPlaces {
  readonly symbolOf: ReadonlyMap<number, string>
  /** The offset of each number; those of a symbol lie in one partition. */
  readonly offsets: ReadonlyMap<number, number>
}

function disordersOf(numbers: readonly number[], { symbolOf, offsets }: RecordPlaces): number {
  const last = new Map<string | undefined, number>()
  let disorders = 0
  for (const number of numbers) {
    const symbol = symbolOf.get(number)
    const offset = offsets.get(number) ?? -1
    if (offset < (last.get(symbol) ?? -1)) disorders++
    last.set(symbol, offset)
  }
  return disorders
}
