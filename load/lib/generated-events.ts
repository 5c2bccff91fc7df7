import type { Random } from '../../test/support/random.ts'

/** What a generated event is made of. */
export interface GeneratedEvent {
  readonly symbol: string
  /** How many were made before: prices and times differ. */
  readonly made: number
  readonly size: number
}

/** A trade of some 120 bytes in JSON. */
export function tradeText(id: number, { symbol, made, size }: GeneratedEvent): string {
  const head = `{"T":"t","S":"${symbol}","i":${id},"x":"V","p":${priceOf(made)},"s":${size},`
  return `${head}"t":"${timeOf(made)}","c":["@","I"],"z":"C"}`
}

/** A quote of some 120 bytes in JSON. */
export function quoteText({ symbol, made, size }: GeneratedEvent): string {
  const bid = priceOf(made)
  const head = `{"T":"q","S":"${symbol}","bx":"U","bp":${bid},"bs":${size},"ax":"Q","ap":${bid + 1},"as":4,`
  return `${head}"t":"${timeOf(made)}","c":["R"],"z":"C"}`
}

function priceOf(made: number): number {
  return (10_000 + (made % 5000)) / 100
}

/** Nine fraction digits, as the feeds have them. */
function timeOf(made: number): string {
  return `2026-01-02T14:30:00.${String(made % 1_000_000_000).padStart(9, '0')}Z`
}

/** The symbol of a number: three letters. */
export function symbolOf(index: number): string {
  return String.fromCharCode(...[676, 26, 1].map(unit => 65 + (Math.floor(index / unit) % 26)))
}

/** The number of the symbol that begins at an index of a text. */
export function symbolIndexAt(text: string, at: number): number {
  return (text.charCodeAt(at) - 65) * 676 + (text.charCodeAt(at + 1) - 65) * 26 + text.charCodeAt(at + 2) - 65
}

/** Draws numbers from 0 by Zipf's law: the n-th comes up in proportion to 1/n. */
export class ZipfDraw {
  readonly #random: Random
  readonly #sums: number[] = []

  constructor(random: Random, count: number) {
    this.#random = random
    let sum = 0
    for (let rank = 1; rank <= count; rank++) this.#sums.push((sum += 1 / rank))
  }

  next(): number {
    const drawn = this.#random.next() * (this.#sums.at(-1) ?? 0)
    let [low, high] = [0, this.#sums.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sums[middle] ?? 0) > drawn) high = middle
      else low = middle + 1
    }
    return low
  }

  /** So many different numbers. */
  distinct(count: number): number[] {
    const drawn = new Set<number>()
    while (drawn.size < count) drawn.add(this.next())
    return [...drawn]
  }
}
