import { readOptions } from '../../src/commands/command-line.ts'
import { type Compression, compressionOption } from '../compression.ts'
import { commonOptions, wholeOption } from '../options.ts'

/** What one run measures. */
export interface ReadPathArguments {
  readonly rounds: number
  readonly events: number
  /** Of each record batch. */
  readonly batchRecords: number
  readonly compressions: readonly Compression[]
  readonly kafka: string | undefined
  readonly json: string | undefined
  /** Where the gateway's reader leaves a CPU profile. */
  readonly profile: string | undefined
}

export const readPathUsage = `Measures the CPU that an event costs on its way out of Kafka, stage by stage, beside kafkajs' own ways, on the same bytes.

  npm run load -- read-path [options]

  --rounds N           every way is measured N times in turn, medians are shown (5)
  --events N           events in the topics (250000)
  --batch N            records of each batch (500)
  --compression NAME   none, gzip, lz4 or zstd; may be given several times (none and lz4)
  --json FILE          every figure, also of the single rounds, as JSON
  --quick              one round of 50000 events
  --kafka HOST:PORT    a broker that runs already; otherwise one is started (Java and Maven are needed)
  --profile FOLDER     takes CPU profiles of our reader and prints where the time of the last went; figures suffer
  --help               shows this
`

const options = {
  ...commonOptions,
  events: { type: 'string' },
  batch: { type: 'string' },
  compression: { type: 'string', multiple: true },
  profile: { type: 'string' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parseReadPathArguments(args: readonly string[]): ReadPathArguments {
  const { values } = readOptions({ args: [...args], options })
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '5'), 100),
    events: wholeOption('--events', values.events ?? (values.quick ? '50000' : '250000'), 5_000_000),
    batchRecords: wholeOption('--batch', values.batch ?? '500', 2000),
    compressions: (values.compression ?? ['none', 'lz4']).map(compressionOption),
    kafka: values.kafka,
    json: values.json,
    profile: values.profile,
  }
}
