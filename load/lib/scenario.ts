import { execFileSync } from 'node:child_process'
import type { Bench, KafkaBench } from './bench.ts'
import { argumentsText, optionsText, type OptionTable, readValues, type Values } from './options.ts'
import type { Report, ReportPart } from './report.ts'
import { startKafka } from '../../test/support/kafka.ts'
import { createTopics, deleteTopics } from '../../test/support/topics.ts'

/** A benchmark of its own, `npm run load -- NAME`. It ends by itself. */
export interface Scenario {
  readonly name: string
  /** What it measures, in one line. */
  readonly summary: string
  /** What `npm run load -- NAME --help` prints. */
  readonly usage: string
  /** Reads the arguments that follow the name. Throws a `UsageError`. */
  prepare(args: readonly string[]): Measurement
}

/** A scenario whose arguments have been read. */
export interface Measurement {
  /** Where figures and page are written to. */
  readonly files: { readonly json: string; readonly html: string }
  /** Where CPU profiles are left, if any are taken. */
  readonly profileFolder: string | undefined
  measure(bench: Bench): Promise<Measured>
}

export interface Measured {
  readonly report: Report
  readonly figures: object
  readonly failures: readonly string[]
}

/** The results of a scenario. */
export interface Outcome {
  /** What the figures depend on and mean, beside the machine and the arguments. */
  readonly notes: readonly string[]
  readonly parts: readonly ReportPart[]
  /** Every figure, also of the single rounds. */
  readonly figures: object
  /** What must not happen, such as events that are missing: the program then exits with 1. */
  readonly failures?: readonly string[]
}

/** What a scenario declares; everything else of a benchmark is here. */
interface Definition<Table extends OptionTable, Own extends Bench> {
  readonly name: string
  readonly summary: string
  /** What else the help says. */
  readonly details?: string
  readonly options: Table
  measure(options: Values<Table>, bench: Own): Promise<Outcome>
}

const kafka = {
  placeholder: 'HOST:PORT',
  help: 'a broker that runs already; otherwise one is started (Java and Maven are needed)',
} as const

/** `--profile FOLDER`: CPU profiles of the process under test, summed up afterwards. */
export const profileOption = {
  placeholder: 'FOLDER',
  help: 'takes a CPU profile of the gateway and prints where its time went; the other figures suffer',
} as const

/** A scenario with a Kafka. */
export function kafkaScenario<const Table extends OptionTable>(
  definition: Definition<Table, KafkaBench>,
): Scenario {
  return declare(definition, { ...definition.options, kafka }, async (values, bench) => {
    const kafkaBench = await openKafkaBench(textOf(values['kafka']), bench)
    // The table of the definition is a part of the one that was read.
    const outcome = await definition.measure(values as Values<Table>, kafkaBench)
    return { ...outcome, notes: [`With ${kafkaBench.broker}.`, ...outcome.notes] }
  })
}

/** A scenario that needs no Kafka. */
export function scenario<const Table extends OptionTable>(definition: Definition<Table, Bench>): Scenario {
  // The table of the definition is the one that was read.
  return declare(definition, definition.options, (values, bench) =>
    definition.measure(values as Values<Table>, bench),
  )
}

function declare(
  { name, summary, details = '' }: Pick<Scenario, 'name' | 'summary'> & { readonly details?: string },
  ownTable: OptionTable,
  measure: (values: Values<OptionTable>, bench: Bench) => Promise<Outcome>,
): Scenario {
  const file = (suffix: string, help: string) =>
    ({ placeholder: 'FILE', help, default: `.cache/load/${name}.${suffix}` }) as const
  const table: OptionTable = {
    ...ownTable,
    json: file('json', 'every figure, also of the single rounds'),
    html: file('html', 'the report as a page, with plots'),
  }
  return {
    name,
    summary,
    usage: `${summary}\n\n  npm run load -- ${name} [options]\n\n${optionsText(table)}${details}`,
    prepare(args) {
      const values = readValues(table, args)
      return {
        files: { json: textOf(values['json']) ?? '', html: textOf(values['html']) ?? '' },
        profileFolder: table['profile'] === profileOption ? textOf(values['profile']) : undefined,
        async measure(bench) {
          const { notes, parts, figures, failures = [] } = await measure(values, bench)
          const { machine } = bench
          const header = [
            `${[...machine, ...commit()].join('; ')}.`,
            `npm run load -- ${name} ${argumentsText(table, values)}`,
          ]
          return {
            report: { title: `${name}: ${summary}`, notes: [...header, ...notes], parts },
            figures: { machine, options: values, ...figures },
            failures,
          }
        },
      }
    },
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The version of the project, where it is a checkout. */
function commit(): string[] {
  try {
    const text = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' })
    return [`commit ${text.trim()}`]
  } catch {
    return []
  }
}

/**
 * On one core Java would collect with all threads stopped, for 20 to 115 ms a second (measured: the 99th
 * percentile of a latency was that of these pauses); so it collects beside them.
 */
const javaOptions = ['-XX:+UseZGC', '-Xmx1g']

/** Starts a Kafka, unless one is named that runs already. */
export async function openKafkaBench(named: string | undefined, bench: Bench): Promise<KafkaBench> {
  const { stack, signal, say } = bench
  const brokers = named ?? (await startBroker(bench))
  signal.throwIfAborted()
  const broker =
    named === undefined ? 'a Kafka of its own (ZGC)' : `the Kafka at ${named}, which is not pinned`
  return {
    ...bench,
    brokers,
    broker,
    async createTopics(partitions) {
      say('making topics')
      const topics = await createTopics(brokers, { prefix: 'load', partitions })
      if (named !== undefined) stack.defer(() => deleteTopics(brokers, topics))
      signal.throwIfAborted()
      return topics
    },
  }
}

async function startBroker({ stack, say }: Bench): Promise<string> {
  say('starting Kafka')
  const started = await startKafka({ javaOptions })
  stack.defer(() => started.stop())
  return started.brokers
}
