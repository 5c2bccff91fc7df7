import { readOptions } from '../../src/commands/command-line.ts'
import { wholeOption } from '../options.ts'

/** What one run measures. */
export interface WindowArguments {
  readonly rounds: number
  /** Events in the window when it is read. */
  readonly events: number
  /** Symbols of the generated market; the first are the busiest. */
  readonly symbols: number
  readonly json: string | undefined
}

export const windowUsage = `Measures the window of recent events: memory and CPU of an event, and what a reader that is behind costs. No Kafka is needed.

  npm run load -- window [options]

  --rounds N     everything is measured N times, in new processes; medians are shown (5)
  --events N     events in the window (600000)
  --symbols N    symbols of the market (3000)
  --json FILE    every figure, also of the single rounds, as JSON
  --quick        one round of 100000 events
  --help         shows this
`

const options = {
  rounds: { type: 'string' },
  json: { type: 'string' },
  quick: { type: 'boolean', default: false },
  events: { type: 'string' },
  symbols: { type: 'string' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parseWindowArguments(args: readonly string[]): WindowArguments {
  const { values } = readOptions({ args: [...args], options })
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '5'), 100),
    events: wholeOption('--events', values.events ?? (values.quick ? '100000' : '600000'), 5_000_000),
    symbols: wholeOption('--symbols', values.symbols ?? '3000', 17_000),
    json: values.json,
  }
}
