import { readOptions } from '../../src/commands/command-line.ts'
import { commonOptions, wholeOption } from '../options.ts'

/** What one run measures. */
export interface WorkersArguments {
  readonly rounds: number
  /** Length of each phase. */
  readonly seconds: number
  readonly subscribers: number
  /** Events each second. */
  readonly rate: number
  /** Workers that are compared to a single process. */
  readonly workers: number
  readonly kafka: string | undefined
  readonly json: string | undefined
}

export const workersUsage = `Measures what several workers cost beside a single process: server CPU per delivery and per connection, side by side.

  npm run load -- workers [options]

  --rounds N         both are measured N times in turn; medians are shown (5)
  --seconds N        length of each phase (3)
  --subscribers N    subscribers of everything (1000)
  --rate N           events per second (60)
  --workers N        workers that are compared to a single process (2)
  --json FILE        every figure, also of the single rounds, as JSON
  --quick            one short round
  --kafka HOST:PORT  a broker that runs already; otherwise one is started (Java and Maven are needed)
  --help             shows this

All server processes run on one core, everything else on the others (taskset): what is compared is the CPU that the same work
takes, not how much more of it two cores do. Linux only.
`

const ownOptions = {
  seconds: { type: 'string' },
  subscribers: { type: 'string' },
  rate: { type: 'string' },
  workers: { type: 'string' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parseWorkersArguments(args: readonly string[]): WorkersArguments {
  const { values } = readOptions({ args: [...args], options: { ...commonOptions, ...ownOptions } })
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '5'), 100),
    seconds: wholeOption('--seconds', values.seconds ?? (values.quick ? '1' : '3'), 60),
    subscribers: wholeOption('--subscribers', values.subscribers ?? '1000', 5000),
    rate: wholeOption('--rate', values.rate ?? '60', 100_000),
    workers: wholeOption('--workers', values.workers ?? '2', 16),
    kafka: values.kafka,
    json: values.json,
  }
}
