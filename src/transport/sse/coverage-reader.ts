import type { Payload } from '../../wire/payload.ts'

const openBracket = 0x5b
const zero = 0x30
const nine = 0x39

/** Reads the coverage at the end of payloads: once for all sessions that get a payload one after another. */
export class CoverageReader {
  #payload: Payload | undefined
  /** For each range the number of its partition, where it begins, and where it ends. */
  #ranges: number[] = []

  /** Returns number, from, to of each range, side by side. Valid until the next call. */
  read(payload: Payload): readonly number[] {
    if (this.#payload === payload) return this.#ranges
    this.#payload = payload
    this.#ranges = payload.coverageBytes === 0 ? [] : readNumbers(payload)
    return this.#ranges
  }
}

/** Returns the whole numbers after the first bracket of the coverage. */
function readNumbers({ buffer, end, coverageBytes }: Payload): number[] {
  const numbers: number[] = []
  // The last byte of the payload is its closing bracket.
  const stop = end - 1
  let value = -1
  for (let at = buffer.indexOf(openBracket, stop - coverageBytes); at < stop; at++) {
    const byte = buffer[at] ?? 0
    if (byte >= zero && byte <= nine) {
      value = Math.max(value, 0) * 10 + byte - zero
    } else if (value >= 0) {
      numbers.push(value)
      value = -1
    }
  }
  return numbers
}
