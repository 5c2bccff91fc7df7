import { readOptions } from '../../src/commands/read-options.ts'
import { commonOptions, wholeOption } from '../options.ts'

/** What one run of the benchmark measures. */
export interface LoadArguments {
  readonly rounds: number
  /** Length of each paced phase. */
  readonly seconds: number
  /** Of paced events before the first round: compilers, Kafka's and ours, need some thousand requests. */
  readonly warmUpSeconds: number
  readonly subscribers: number
  /** Events per second of the paced phases. */
  readonly rates: readonly number[]
  readonly cases: readonly LoadCase[]
  /** Events of the backlogs that are read without pacing. */
  readonly backlog: number
  /** A broker that runs already; one is started where it is absent. */
  readonly kafka?: string
  /** Where the figures go as JSON. */
  readonly json?: string
  /** Where the gateway leaves a CPU profile. */
  readonly profile?: string
}

const loadCases = ['throughput', 'paced'] as const

export type LoadCase = (typeof loadCases)[number]

export const fanoutUsage = `Measures the gateway between a real Kafka and its subscribers: events per second, server CPU, latency.

  npm run load -- fanout [options]

  --rounds N         every phase is measured N times, medians are shown (3)
  --seconds N        length of each paced phase (4)
  --subscribers N    what "many" is (200)
  --rate N           events per second of a paced phase; may be given several times (1000 and 5000)
  --case NAME        only "throughput" or only "paced"
  --json FILE        every figure, also of the single rounds, as JSON
  --quick            one short round at 1000 events/s, for CI: at most 30 s
  --kafka HOST:PORT  a broker that runs already; otherwise one is started (Java and Maven are needed)
  --profile FOLDER   takes a CPU profile of the gateway and prints where its time went; the other figures suffer
  --help             shows this

The table goes to standard output, progress to standard error. The server runs on one core, everything else on the others
(taskset). Linux only: the CPU is read from /proc. Exit codes: 0 measured, 1 not.
`

/** Reads the command line. Throws an error that says what is wrong. */
export function parseLoadArguments(args: readonly string[]): LoadArguments {
  const values = readOptions({ args: [...args], options: { ...commonOptions, ...ownOptions } }).values
  const isQuick = values.quick
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (isQuick ? '1' : '3'), 100),
    seconds: wholeOption('--seconds', values.seconds ?? (isQuick ? '1' : '4'), 60),
    warmUpSeconds: isQuick ? 1 : 7,
    subscribers: wholeOption('--subscribers', values.subscribers ?? '200', 5000),
    rates: (values.rate ?? (isQuick ? ['1000'] : ['1000', '5000'])).map(rate =>
      wholeOption('--rate', rate, 100_000),
    ),
    cases: values.case === undefined ? loadCases : [parseCase(values.case)],
    backlog: isQuick ? 20_000 : 100_000,
    ...(values.kafka === undefined ? {} : { kafka: values.kafka }),
    ...(values.json === undefined ? {} : { json: values.json }),
    ...(values.profile === undefined ? {} : { profile: values.profile }),
  }
}

const ownOptions = {
  seconds: { type: 'string' },
  subscribers: { type: 'string' },
  rate: { type: 'string', multiple: true },
  case: { type: 'string' },
  profile: { type: 'string' },
} as const

function parseCase(text: string): LoadCase {
  const found = loadCases.find(name => name === text)
  if (found === undefined) throw new Error(`--case ${text}: expected ${loadCases.join(' or ')}`)
  return found
}
