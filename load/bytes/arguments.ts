import { readOptions } from '../../src/commands/command-line.ts'
import { sharedTapePath } from '../../test/support/tape.ts'
import { wholeOption } from '../options.ts'

/** What one run measures. */
export interface BytesArguments {
  readonly rounds: number
  /** Events of each market at most. */
  readonly events: number
  /** The file of the real tape, where there is one. */
  readonly tape: string | undefined
  readonly json: string | undefined
}

export const bytesUsage = `Measures how many bytes an event takes on the wire in each form, frames and coverage included, and what encoding and decoding cost. No Kafka is needed.

  npm run load -- bytes [options]

  --rounds N     encoding and decoding are timed N times, in new processes; medians are shown (5)
  --events N     events of each market at most (130000)
  --tape FILE    events, one JSON object a line, gzipped if the name ends in .gz (the real tape, where it lies beside this checkout)
  --json FILE    every figure, also of the single rounds, as JSON
  --quick        one round of 20000 events
  --help         shows this
`

const options = {
  rounds: { type: 'string' },
  json: { type: 'string' },
  quick: { type: 'boolean', default: false },
  events: { type: 'string' },
  tape: { type: 'string' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parseBytesArguments(args: readonly string[]): BytesArguments {
  const { values } = readOptions({ args: [...args], options })
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '5'), 100),
    events: wholeOption('--events', values.events ?? (values.quick ? '20000' : '130000'), 5_000_000),
    tape: values.tape ?? sharedTapePath(),
    json: values.json,
  }
}
