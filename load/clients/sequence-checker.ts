import { positionsOf } from '../../test/support/partition-runs.ts'
import { monotonicUs } from '../lib/clocks.ts'
import { symbolIndexAt } from '../lib/generated-events.ts'
import type { Totals } from '../kafka/numbered-source.ts'

/** A message that is no event. */
export interface ControlMessage {
  readonly T: string
  readonly [field: string]: unknown
}

const anywhere = -1
const zero = 48
const nine = 57
const quoteMark = 34
const tradeLetter = 116

/**
 * Checks the frames of one subscriber against the numbers of `NumberedSource`, at a third of a microsecond an
 * event: each event of an item follows the one before, or says how many it replaces.
 */
export class SequenceChecker {
  /** What was wrong, in events. */
  readonly faults = {
    /** Before an event of a trade's item there should have been others. */
    missing: 0,
    /** Came again, or after a later one of its item. */
    repeated: 0,
    /** Quotes whose `replaces` is not the number of quotes that were left out before them. */
    miscounted: 0,
    /** Ranges of frames that begin behind where the frames before had come to. */
    uncovered: 0,
  }
  trades = 0
  quotes = 0
  /** The sum of what quotes said to replace. */
  replaced = 0
  /** The most that one of them replaced. */
  mostReplaced = 0
  /** When the trade that came last was sent. */
  newestUs = 0
  /** From sending to receipt, of each trade, while set. */
  latenciesUs: number[] | undefined
  readonly #last: { readonly trades: Int32Array; readonly quotes: Int32Array }
  readonly #positions = new Map<number, number>()
  readonly #onMessage: (message: ControlMessage) => void

  /** Without `begins` of a stream, the first event of an item may have any number. */
  constructor(
    symbols: number,
    begins: Partial<Totals>,
    onMessage: (message: ControlMessage) => void = () => undefined,
  ) {
    const unknown = new Int32Array(symbols).fill(anywhere)
    const { trades, quotes } = begins
    this.#last = {
      trades: trades === undefined ? unknown.slice() : Int32Array.from(trades),
      quotes: quotes === undefined ? unknown.slice() : Int32Array.from(quotes),
    }
    this.#onMessage = onMessage
  }

  /** Takes the payload of a frame; whether it held data, as acknowledgements count it. */
  take(payload: Buffer): boolean {
    const text = payload.toString('latin1')
    if (text.charCodeAt(8) !== quoteMark) {
      if (text.startsWith('[{"T":')) this.#takeMessages(text)
      return text.startsWith('[{"T":"snapshot"')
    }
    const nowUs = this.latenciesUs === undefined ? 0 : monotonicUs()
    let at = 1
    while (at > 0 && at < text.length) {
      if (text.charCodeAt(at + 7) !== quoteMark) {
        this.#takeMessages(`[${text.slice(at)}`)
        break
      }
      at = this.#takeEvent(text, at, nowUs) + 2
    }
    return true
  }

  /** How many of the wanted symbols lack a last event; one of which nothing is known is complete. */
  unfinished({ trades, quotes }: Totals, wanted: readonly number[] = [...trades.keys()]): number {
    const isLate = (has: Int32Array, totals: Uint32Array, index: number): boolean =>
      has[index] !== anywhere && has[index] !== totals[index]
    const { trades: hasTrades, quotes: hasQuotes } = this.#last
    const late = wanted.filter(index => isLate(hasTrades, trades, index) || isLate(hasQuotes, quotes, index))
    return late.length
  }

  /** The index of the bracket that ends the event. */
  #takeEvent(text: string, at: number, nowUs: number): number {
    const isTrade = text.charCodeAt(at + 6) === tradeLetter
    const symbol = symbolIndexAt(text, at + 14)
    const size = text.indexOf(isTrade ? '"s":' : '"bs":', at + 18) + (isTrade ? 4 : 5)
    const end = text.indexOf('}', size)
    const replaces = replacesBefore(text, end)
    if (isTrade) {
      this.trades++
      this.newestUs = numberAt(text, text.indexOf('"i":', at + 18) + 4)
      this.latenciesUs?.push(nowUs - this.newestUs)
    } else {
      this.quotes++
      this.replaced += replaces
      this.mostReplaced = Math.max(this.mostReplaced, replaces)
    }
    this.#hold(isTrade, { symbol, number: numberAt(text, size), replaces })
    return end
  }

  #hold(
    isTrade: boolean,
    {
      symbol,
      number,
      replaces,
    }: { readonly symbol: number; readonly number: number; readonly replaces: number },
  ): void {
    const last = isTrade ? this.#last.trades : this.#last.quotes
    const before = last[symbol] ?? anywhere
    last[symbol] = number
    if (before === anywhere) return
    if (number <= before) this.faults.repeated++
    else if (isTrade) this.faults.missing += number - before - 1
    else if (number - before - 1 !== replaces) this.faults.miscounted++
  }

  #takeMessages(text: string): void {
    for (const message of JSON.parse(text) as readonly ControlMessage[]) {
      if (message.T === 'coverage') this.#cover(message['ranges'] as readonly [number, number, number][])
      else this.#takeControl(message)
    }
  }

  #takeControl(message: ControlMessage): void {
    if (message.T === 'subscription' || message.T === 'partitions') {
      for (const { number, position } of positionsOf(message['partitions']))
        this.#positions.set(number, position)
      for (const [number, position] of (message['positions'] ?? []) as readonly [number, number][])
        this.#positions.set(number, Math.max(this.#positions.get(number) ?? 0, position))
    }
    this.#onMessage(message)
  }

  #cover(ranges: readonly [number, number, number][]): void {
    for (const [number, from, to] of ranges) {
      const reached = this.#positions.get(number) ?? from
      if (from > reached) this.faults.uncovered++
      this.#positions.set(number, Math.max(reached, to))
    }
  }
}

/** Events end in text, so a digit before the bracket is that of `"replaces":n`. */
function replacesBefore(text: string, end: number): number {
  if (!isDigit(text.charCodeAt(end - 1))) return 0
  return numberAt(text, text.lastIndexOf(':', end) + 1)
}

function numberAt(text: string, from: number): number {
  let value = 0
  for (let at = from, code = text.charCodeAt(at); isDigit(code); code = text.charCodeAt(++at))
    value = value * 10 + code - zero
  return value
}

function isDigit(code: number): boolean {
  return code >= zero && code <= nine
}
