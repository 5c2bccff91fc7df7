import { monotonicUs } from './monotonic-clock.ts'

const type = Buffer.from('{"T":"')
const id = Buffer.from('"i":')
const tradeCode = 't'.charCodeAt(0)
const quoteMark = '"'.charCodeAt(0)
const zero = '0'.charCodeAt(0)

/** Counts the events of JSON frames and reads the trades' ids, which are the times of sending, without parsing the rest. */
export class EventScan {
  events = 0
  /** From sending to receipt, of each trade. */
  latenciesUs: number[] = []
  sentUs: number[] = []

  begin(): void {
    this.events = 0
    this.latenciesUs = []
    this.sentUs = []
  }

  take(payload: Buffer): void {
    const nowUs = monotonicUs()
    for (let at = payload.indexOf(type); at >= 0; at = payload.indexOf(type, at)) {
      at += type.length
      // Events have types of one letter, other messages longer ones.
      if (payload[at + 1] !== quoteMark) continue
      this.events++
      if (payload[at] === tradeCode) this.#takeTrade(payload, at, nowUs)
    }
  }

  #takeTrade(payload: Buffer, from: number, nowUs: number): void {
    let at = payload.indexOf(id, from) + id.length
    let value = 0
    for (let digit = digitAt(payload, at); digit >= 0 && digit <= 9; digit = digitAt(payload, ++at)) {
      value = value * 10 + digit
    }
    this.latenciesUs.push(nowUs - value)
    this.sentUs.push(value)
  }
}

function digitAt(payload: Buffer, at: number): number {
  return (payload[at] ?? 0) - zero
}
