import { readOptions } from '../../src/commands/command-line.ts'
import { commonOptions, wholeOption } from '../options.ts'

/** What one run measures. */
export interface ReconnectArguments {
  readonly rounds: number
  readonly clients: number
  /** Processes that hold the clients. */
  readonly processes: number
  /** Of 300 symbols, how many each client wants. */
  readonly wanted: number
  /** Events a second. */
  readonly rate: number
  /** How long events gather at the producer. */
  readonly lingerMs: number
  /** Age of the cursors. */
  readonly seconds: number
  /** Where the gateway's CPU profile of the last reconnect with cursors goes. */
  readonly profile: string | undefined
  readonly kafka: string | undefined
  readonly json: string | undefined
}

export const reconnectUsage = `Measures how many clients that are cut off at once come back with cursors, beside the same without: a bystander, CPU, memory, the time.

  npm run load -- reconnect [options]

  --rounds N         with and without cursors, N times in turn; medians are shown (3)
  --clients N        TLS connections, each with a list of its own (5000)
  --processes N      that hold them (2)
  --wanted N         of 300 symbols, how many each client wants, trades and quotes (20)
  --rate N           events a second (1000)
  --linger N         ms that events gather at the producer (250)
  --seconds N        age of the cursors (30)
  --profile FILE     the gateway's CPU profile of the last reconnect with cursors, as --cpu-prof has it
  --json FILE        every figure, also of the single rounds, as JSON
  --quick            one round of 300 clients with cursors of 5 s
  --kafka HOST:PORT  a broker that runs already; otherwise one is started (Java and Maven are needed)
  --help             shows this

Open files: each client takes one here and one in the gateway (ulimit -n).
`

const options = {
  ...commonOptions,
  clients: { type: 'string' },
  processes: { type: 'string' },
  wanted: { type: 'string' },
  rate: { type: 'string' },
  linger: { type: 'string' },
  seconds: { type: 'string' },
  profile: { type: 'string' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parseReconnectArguments(args: readonly string[]): ReconnectArguments {
  const { values } = readOptions({ args: [...args], options })
  const { quick } = values
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (quick ? '1' : '3'), 100),
    clients: wholeOption('--clients', values.clients ?? (quick ? '300' : '5000'), 100_000),
    processes: wholeOption('--processes', values.processes ?? '2', 64),
    wanted: wholeOption('--wanted', values.wanted ?? '20', 300),
    rate: wholeOption('--rate', values.rate ?? '1000', 100_000),
    lingerMs: wholeOption('--linger', values.linger ?? '250', 10_000),
    seconds: wholeOption('--seconds', values.seconds ?? (quick ? '5' : '30'), 600),
    profile: values.profile,
    kafka: values.kafka,
    json: values.json,
  }
}
