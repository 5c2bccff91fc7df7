import { textBlock } from '../src/wire/block.ts'
import { EventScan } from './event-scan.ts'

/** What the scenarios know of a wire form: how to count events and read their times cheaply, and what bytes the floor writes for some. */
export interface LoadForm {
  /** How many trades a frame's payload holds. */
  readonly countEvents: (payload: Buffer) => number
  /** A frame of these events as the gateway would write it, `offset` being the first one's. */
  /** Reads when the trades of frames were due, from their ids. */
  readonly createScan: () => FrameScan
  readonly frame: (events: readonly string[], offset: number) => Buffer
}

/** Counts the events of a connection's frames, and how old each trade was when it came. */
export interface FrameScan {
  readonly events: number
  readonly latenciesUs: readonly number[]
  take(payload: Buffer): void
}

const trade = Buffer.from('{"T":"t"')

/** The forms that `--form` takes. A new one needs a line here and nothing else. */
const forms: Readonly<Record<string, LoadForm>> = {
  'ticker.v1.json': { countEvents: countTrades, createScan: () => new EventScan(), frame: jsonFrame },
}

export const defaultForm = 'ticker.v1.json'

/** The form of this name. Throws an error that names the option, the value and the rule. */
export function formNamed(name: string): LoadForm {
  const form = forms[name]
  if (form === undefined) throw new Error(`--form ${name}: expected ${Object.keys(forms).join(', ')}`)
  return form
}

/** Counts trades in JSON without parsing it: in whichever frames they lie, each begins alike. */
export function countTrades(payload: Buffer): number {
  let count = 0
  for (let at = payload.indexOf(trade); at >= 0; at = payload.indexOf(trade, at + trade.length)) count++
  return count
}

function jsonFrame(events: readonly string[], offset: number): Buffer {
  const coverage = `{"T":"coverage","ranges":[[0,${offset},${offset + events.length}]]}`
  return textBlock(`[${[...events, coverage].join(',')}]`).framed()
}
