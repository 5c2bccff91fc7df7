import { textFrame } from '../src/wire/prepared-frame.ts'
import type { Batch } from './delivery/workload.ts'
import { EventScan } from './event-scan.ts'
import { TapeCounter } from './tape-counter.ts'
import { TapeFrames } from './tape-frames.ts'
import { TapeScan } from './tape-scan.ts'

/** What the scenarios know of a wire form: how to count events and read their times cheaply, and what bytes the floor writes for some. */
export interface LoadForm {
  /** Counts the trades in one connection's payloads, which it is given from the first on. */
  readonly createCounter: () => FrameCounter
  /** Reads when the trades of one connection's frames were due, from their ids. */
  readonly createScan: () => FrameScan
  /** What a server of the floor writes. */
  readonly createFrames: () => FloorFrames
}

/** How many trades the next payload of a connection holds. */
export type FrameCounter = (payload: Buffer) => number

/** Counts the events of a connection's frames, and how old each trade was when it came. It is given the payloads from the first on. */
export interface FrameScan {
  readonly events: number
  readonly latenciesUs: readonly number[]
  /** When each of them was sent, by its id. */
  readonly sentUs: readonly number[]
  /** Begins to count anew. */
  begin(): void
  take(payload: Buffer): void
}

/** Frames as the gateway would write them, made of batches that follow one another in a partition. */
export interface FloorFrames {
  /** What a connection that comes now is told first, if anything. */
  opening(): Buffer | undefined
  /** Takes the next batch. What it returns makes the frame of some of its events, by their indices. */
  take(batch: Batch): (indices: readonly number[]) => Buffer
}

const trade = Buffer.from('{"T":"t"')

/** The forms that `--form` takes. A new one needs an entry here and nothing else. */
const forms: Readonly<Record<string, LoadForm>> = {
  'ticker.v1.json': {
    createCounter: () => countTrades,
    createScan: () => new EventScan(),
    createFrames: jsonFrames,
  },
  'ticker.v1.tape': {
    createCounter: () => {
      const counter = new TapeCounter()
      return payload => counter.count(payload)
    },
    createScan: () => new TapeScan(),
    createFrames: () => new TapeFrames(),
  },
}

export const defaultForm = 'ticker.v1.json'
export const formNames: readonly string[] = Object.keys(forms)

/** The form of this name. Throws an error that names the option, the value and the rule. */
export function formNamed(name: string): LoadForm {
  const form = forms[name]
  if (form === undefined) throw new Error(`--form ${name}: expected ${formNames.join(', ')}`)
  return form
}

/** Counts trades in JSON without parsing it: in whichever frames they lie, each begins alike. */
function countTrades(payload: Buffer): number {
  let count = 0
  for (let at = payload.indexOf(trade); at >= 0; at = payload.indexOf(trade, at + trade.length)) count++
  return count
}

function jsonFrames(): FloorFrames {
  let offset = 0
  return {
    opening: () => undefined,
    take(batch) {
      const from = offset
      offset += batch.length
      return indices => {
        const events = indices.map(index => batch[index]?.text ?? '')
        const coverage = `{"T":"coverage","ranges":[[0,${from},${from + events.length}]]}`
        return textFrame(`[${[...events, coverage].join(',')}]`).framed()
      }
    },
  }
}
