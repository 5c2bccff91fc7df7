import type { Form } from './forms.ts'

/** How long the events of one frame are gathered, in ms; 0: each event alone. */
export const batchTimesMs = [0, 10, 100] as const

/** What an event takes with one way of gathering. */
export interface BatchBytes {
  readonly batchMs: number
  readonly events: number
  readonly frames: number
  /** Per event, by form. */
  readonly bytes: Readonly<Record<Form, number>>
}

/** What an event takes that a session reads which is behind, by where it reads. */
export interface BehindBytes {
  readonly form: 'json' | 'tape'
  readonly memory: number
  readonly log: number
}

/** One market, or some symbols of it. */
export interface MarketBytes {
  readonly name: string
  readonly byBatch: readonly BatchBytes[]
  readonly behind: readonly BehindBytes[]
  /** Everything by zstd at once, per event. */
  readonly zstd: number
}

/** What is timed: in ns of CPU per event, of a market in batches of 100 ms. */
export const timedSteps = [
  'tapeEncode',
  'tapeDecode',
  'jsonEncode',
  'jsonDecode',
  'messagePackEncode',
  'messagePackDecode',
  'deflateContext',
] as const
export type TimedStep = (typeof timedSteps)[number]

export interface MarketTimes {
  readonly name: string
  readonly ns: Readonly<Record<TimedStep, number>>
}
