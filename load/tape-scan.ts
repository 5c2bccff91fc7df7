import { TapeDecoder } from '../src/wire/tape/decoding/tape-decoder.ts'
import { monotonicUs } from './monotonic-clock.ts'

/** Counts the events of one connection in the tape form and reads the trades' ids, which are the times of sending. */
export class TapeScan {
  events = 0
  /** From sending to receipt, of each trade. */
  latenciesUs: number[] = []
  sentUs: number[] = []
  readonly #decoder = new TapeDecoder()

  begin(): void {
    this.events = 0
    this.latenciesUs = []
    this.sentUs = []
  }

  take(payload: Buffer): void {
    const nowUs = monotonicUs()
    const frame = this.#decoder.decode(payload)
    if (frame.kind === 'messages') return
    this.events += frame.events.length
    for (const event of frame.events) {
      if (event.T !== 't' || event.i === undefined) continue
      this.latenciesUs.push(nowUs - Number(event.i))
      this.sentUs.push(Number(event.i))
    }
  }
}
