import type { Stream } from '../src/log/topics.ts'

/** An event as the producer hands it to Kafka. */
export interface GeneratedRecord {
  readonly stream: Stream & ('trades' | 'quotes')
  readonly partition: number
  readonly key: string
  readonly value: string
}

/** How fast events come, and for how long. */
export interface Pace {
  readonly perSecond: number
  readonly seconds: number
}

export const partitions = 4

const symbols = Array.from({ length: 400 }, (_, index) => nameOf(index))
/** Prime to the number of symbols, so that all have their turn. */
const symbolStep = 37

/** Makes trades and quotes in turn, of some 120 bytes, over 400 symbols and every partition. */
export class EventSource {
  #made = 0

  /** The next event. A trade's id is `us`, by which its receiver knows its age. */
  next(us: number): GeneratedRecord {
    const made = this.#made++
    const index = ((made >> 1) * symbolStep) % symbols.length
    const key = symbols[index] ?? ''
    const stream = made % 2 === 0 ? 'trades' : 'quotes'
    const value = stream === 'trades' ? tradeText(key, made, us) : quoteText(key, made)
    return { stream, partition: index % partitions, key, value }
  }
}

/** The symbols of the last event of each partition: who subscribes to nothing else only hears that all was read. */
export const lastSymbols = Array.from({ length: partitions }, (_, partition) => `END${partition}`)

/** How many those are. */
export const lastEvents = lastSymbols.length * 2

/** One event more for each partition of each topic; their arrival says that everything before was read. */
export function lastRecords(us: number): readonly GeneratedRecord[] {
  return lastSymbols.flatMap((key, partition) => [
    { stream: 'trades', partition, key, value: tradeText(key, 0, us) },
    { stream: 'quotes', partition, key, value: quoteText(key, 0) },
  ])
}

function tradeText(symbol: string, made: number, us: number): string {
  const price = (10_000 + (made % 5000)) / 100
  return `{"T":"t","S":"${symbol}","i":${us},"x":"V","p":${price},"s":${1 + (made % 900)},"t":"${timeText(made)}","c":["@","I"],"z":"C"}`
}

function quoteText(symbol: string, made: number): string {
  const bid = (10_000 + (made % 5000)) / 100
  return `{"T":"q","S":"${symbol}","bx":"U","bp":${bid},"bs":${1 + (made % 40)},"ax":"Q","ap":${bid + 1},"as":4,"t":"${timeText(made)}","c":["R"],"z":"C"}`
}

/** Nine fraction digits, as the feeds have them. */
function timeText(made: number): string {
  return `2026-01-02T14:30:00.${String(made % 1_000_000_000).padStart(9, '0')}Z`
}

/** Three letters. */
function nameOf(index: number): string {
  const letters = [Math.floor(index / 676), Math.floor(index / 26) % 26, index % 26]
  return String.fromCharCode(...letters.map(letter => 65 + letter))
}
