import { readOptions } from '../../src/commands/command-line.ts'
import { commonOptions, wholeOption } from '../options.ts'

/** What one run measures. */
export interface KafkaLatencyArguments {
  readonly rounds: number
  /** Length of each phase. */
  readonly seconds: number
  /** Events per second of the phases whose latency is told. */
  readonly rates: readonly number[]
  /** Events per second that the search for the highest rate does not go beyond. */
  readonly most: number
  readonly kafka: string | undefined
  readonly json: string | undefined
}

export const kafkaLatencyUsage = `Measures the time from just before a request to Kafka to a handler in the gateway's process, and the highest rate it sustains.

  npm run load -- kafka-latency [options]

  --rounds N         every rate is measured N times in turn, medians are shown (3)
  --seconds N        length of each phase (4)
  --rate N           events per second; may be given several times (10000 and 25000)
  --most N           the search for the highest sustained rate ends here (400000)
  --json FILE        every figure, also of the single rounds, as JSON
  --quick            one round of 1 s, the search ends at 50000
  --kafka HOST:PORT  a broker that runs already; otherwise one is started (Java and Maven are needed)
  --help             shows this
`

const options = {
  ...commonOptions,
  seconds: { type: 'string' },
  rate: { type: 'string', multiple: true },
  most: { type: 'string' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parseKafkaLatencyArguments(args: readonly string[]): KafkaLatencyArguments {
  const { values } = readOptions({ args: [...args], options })
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '3'), 100),
    seconds: wholeOption('--seconds', values.seconds ?? (values.quick ? '1' : '4'), 60),
    rates: (values.rate ?? ['10000', '25000']).map(rate => wholeOption('--rate', rate, 1_000_000)),
    most: wholeOption('--most', values.most ?? (values.quick ? '50000' : '400000'), 1_000_000),
    kafka: values.kafka,
    json: values.json,
  }
}
