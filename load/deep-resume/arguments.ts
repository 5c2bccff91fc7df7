import { readOptions } from '../../src/commands/command-line.ts'
import { commonOptions, wholeOption } from '../options.ts'

/** What one run measures. */
export interface DeepResumeArguments {
  readonly rounds: number
  /** How far back a reader resumes. */
  readonly events: number
  /** Events a second that are published meanwhile. */
  readonly live: number
  /** Live subscribers of everything. */
  readonly watchers: number
  /** Where the gateway's CPU profile of the last resume goes. */
  readonly profile: string | undefined
  readonly kafka: string | undefined
  readonly json: string | undefined
}

export const deepResumeUsage = `Measures a resume from far back in Kafka: whether it is complete, its pace, the longest pauses of the gateway's event loop, and a bystander.

  npm run load -- deep-resume [options]

  --rounds N         so many resumes, one after another (3)
  --events N         events that each goes back (2000000)
  --live N           events a second that are published meanwhile (1000)
  --watchers N       live subscribers of everything (50)
  --profile FILE     the gateway's CPU profile of the last resume, as --cpu-prof has it
  --json FILE        every figure, also of the single rounds, as JSON
  --quick            one round of 200000 events
  --kafka HOST:PORT  a broker that runs already; otherwise one is started (Java and Maven are needed)
  --help             shows this
`

const options = {
  ...commonOptions,
  events: { type: 'string' },
  live: { type: 'string' },
  watchers: { type: 'string' },
  profile: { type: 'string' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parseDeepResumeArguments(args: readonly string[]): DeepResumeArguments {
  const { values } = readOptions({ args: [...args], options })
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '3'), 100),
    events: wholeOption('--events', values.events ?? (values.quick ? '200000' : '2000000'), 100_000_000),
    live: wholeOption('--live', values.live ?? '1000', 100_000),
    watchers: wholeOption('--watchers', values.watchers ?? '50', 10_000),
    profile: values.profile,
    kafka: values.kafka,
    json: values.json,
  }
}
