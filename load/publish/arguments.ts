import { readOptions } from '../../src/commands/command-line.ts'
import { commonOptions, wholeOption } from '../options.ts'

/** What one run measures. */
export interface PublishArguments {
  readonly rounds: number
  /** Length of each phase. */
  readonly seconds: number
  /** Events of a request, one size after the other. */
  readonly sizes: readonly number[]
  /** HTTP connections, and as many sends at once by kafkajs. */
  readonly connections: number
  readonly kafka: string | undefined
  readonly json: string | undefined
  /** Where the gateway leaves a CPU profile. */
  readonly profile: string | undefined
}

export const publishUsage = `Measures POST /v1/events with autocannon, beside kafkajs that produces the same events directly.

  npm run load -- publish [options]

  --rounds N         every phase is measured N times in turn, medians are shown (3)
  --seconds N        length of each phase (3)
  --events N         events of a request; may be given several times (1, 10 and 100)
  --connections N    HTTP connections, and sends of kafkajs at once (4)
  --json FILE        every figure, also of the single rounds, as JSON
  --quick            one round of 1 s
  --kafka HOST:PORT  a broker that runs already; otherwise one is started (Java and Maven are needed)
  --profile FOLDER   takes a CPU profile of the gateway and prints where its time went; the other figures suffer
  --help             shows this
`

const options = {
  ...commonOptions,
  seconds: { type: 'string' },
  events: { type: 'string', multiple: true },
  connections: { type: 'string', default: '4' },
  profile: { type: 'string' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parsePublishArguments(args: readonly string[]): PublishArguments {
  const { values } = readOptions({ args: [...args], options })
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '3'), 100),
    seconds: wholeOption('--seconds', values.seconds ?? (values.quick ? '1' : '3'), 60),
    sizes: (values.events ?? ['1', '10', '100']).map(size => wholeOption('--events', size, 1000)),
    connections: wholeOption('--connections', values.connections, 1000),
    kafka: values.kafka,
    json: values.json,
    profile: values.profile,
  }
}
