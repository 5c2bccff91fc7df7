import { readOptions } from '../../src/commands/command-line.ts'
import { type Compression, compressionOption } from '../compression.ts'
import { commonOptions, wholeOption } from '../options.ts'

/** What one run measures. */
export interface DrainArguments {
  readonly rounds: number
  readonly events: number
  readonly partitions: number
  /** Of each record batch. */
  readonly batchRecords: number
  readonly compression: Compression
  readonly kafka: string | undefined
  readonly json: string | undefined
}

export const drainUsage = `Measures how fast a backlog is read from Kafka: by the gateway's log alone, with its ingest, and by kafkajs' consumer group.

  npm run load -- drain [options]

  --rounds N           every way is measured N times in turn, medians are shown (3)
  --events N           events in the topics (1000000)
  --partitions N       of each topic (4)
  --batch N            records of each batch (500)
  --compression NAME   none, gzip, lz4 or zstd (none)
  --json FILE          every figure, also of the single rounds, as JSON
  --quick              one round of 100000 events
  --kafka HOST:PORT    a broker that runs already; otherwise one is started (Java and Maven are needed)
  --help               shows this
`

const options = {
  ...commonOptions,
  events: { type: 'string' },
  partitions: { type: 'string' },
  batch: { type: 'string' },
  compression: { type: 'string', default: 'none' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parseDrainArguments(args: readonly string[]): DrainArguments {
  const { values } = readOptions({ args: [...args], options })
  return {
    rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '3'), 100),
    events: wholeOption('--events', values.events ?? (values.quick ? '100000' : '1000000'), 5_000_000),
    partitions: wholeOption('--partitions', values.partitions ?? '4', 100),
    batchRecords: wholeOption('--batch', values.batch ?? '500', 2000),
    compression: compressionOption(values.compression),
    kafka: values.kafka,
    json: values.json,
  }
}
