import { readOptions } from '../../src/commands/command-line.ts'
import { commonOptions, wholeOption } from '../options.ts'

/** What one run measures. */
export interface SlowReadersArguments {
  readonly rounds: number
  /** Subscribers of everything; half of them stop, of those half do not read and half do not acknowledge. */
  readonly subscribers: number
  /** Events a second. */
  readonly rate: number
  /** How long they stand still. */
  readonly seconds: number
  /** Where the gateway's CPU profile of the last catch-up goes. */
  readonly profile: string | undefined
  readonly kafka: string | undefined
  readonly json: string | undefined
}

export const slowReadersUsage = `Measures what readers that stop cost the others and the gateway, beside the same run in which nobody stops, and whether they have everything afterwards.

  npm run load -- slow-readers [options]

  --rounds N         a run without stops and one with them, N times in turn; medians are shown (3)
  --subscribers N    of everything: half go on, a quarter does not read, a quarter does not acknowledge (200)
  --rate N           events a second, half trades (every), half quotes (conflate) (5000)
  --seconds N        how long they stand still (30, in which 19 MB are published)
  --profile FILE     the gateway's CPU profile of the last catch-up, as --cpu-prof has it
  --json FILE        every figure, also of the single rounds, as JSON
  --quick            one round of 40 subscribers that stand still for 5 s
  --kafka HOST:PORT  a broker that runs already; otherwise one is started (Java and Maven are needed)
  --help             shows this
`

const options = {
  ...commonOptions,
  subscribers: { type: 'string' },
  rate: { type: 'string' },
  seconds: { type: 'string' },
  profile: { type: 'string' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parseSlowReadersArguments(args: readonly string[]): SlowReadersArguments {
  const { values } = readOptions({ args: [...args], options })
  const { quick } = values
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (quick ? '1' : '3'), 100),
    subscribers: wholeOption('--subscribers', values.subscribers ?? (quick ? '40' : '200'), 10_000),
    rate: wholeOption('--rate', values.rate ?? '5000', 100_000),
    seconds: wholeOption('--seconds', values.seconds ?? (quick ? '5' : '30'), 600),
    profile: values.profile,
    kafka: values.kafka,
    json: values.json,
  }
}
