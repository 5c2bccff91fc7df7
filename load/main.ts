import { writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { makeFolder } from '../src/system/make-folder.ts'
import { UsageError } from '../src/commands/command-line.ts'
import { messageOf } from '../src/diagnostics/ticker-error.ts'
import { muteKafkajsWarnings } from './kafkajs-warnings.ts'
import { Progress } from './progress.ts'
import type { Measurement, Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'

muteKafkajsWarnings()

// Leaves at once what may still be starting after an interruption: it ends with this process.
process.exit(await main(process.argv.slice(2)))

async function main(args: readonly string[]): Promise<number> {
  try {
    const [first] = args
    if (first === '--help' || first === '-h') {
      process.stdout.write(listOfScenarios())
      return 0
    }
    const isNamed = first !== undefined && !first.startsWith('-')
    const scenario = isNamed ? find(first) : scenarios[0]
    const rest = args.slice(isNamed ? 1 : 0)
    if (rest.includes('--help') || rest.includes('-h')) process.stdout.write(scenario.usage)
    else await run(prepared(scenario, rest))
    return 0
  } catch (error) {
    process.stderr.write(`load: ${messageOf(error)}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

function prepared(scenario: Scenario, args: readonly string[]): Measurement {
  try {
    return scenario.prepare(args)
  } catch (error) {
    throw new UsageError(`${messageOf(error)}; npm run load -- ${scenario.name} --help shows the options`)
  }
}

function listOfScenarios(): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length))
  const lines = scenarios.map(({ name, summary }) => `  npm run load -- ${name.padEnd(width)}  ${summary}\n`)
  return `Benchmarks against a real Kafka. Each ends by itself; Linux only, Java and Maven are needed.

${lines.join('')}
Without a name: ${scenarios[0].name}. Options of one: npm run load -- NAME --help. Exit codes: 0 measured, 1 not, 2 usage.
`
}

function find(name: string): Scenario {
  const found = scenarios.find(scenario => scenario.name === name)
  if (found !== undefined) return found
  throw new UsageError(
    `${name}: no such scenario; expected ${scenarios.map(scenario => scenario.name).join(', ')}`,
  )
}

/** Measures and prints. A first signal ends everything that was started, in order; a second one this process at once. */
async function run(measurement: Measurement): Promise<void> {
  const interrupt = interrupted()
  const progress = new Progress(process.stderr)
  const stack = new AsyncDisposableStack()
  try {
    const bench = { stack, signal: interrupt.signal, say: (what: string) => progress.say(what) }
    const { text, figures, page } = await Promise.race([measurement.measure(bench), interrupt.promise])
    progress.end()
    process.stdout.write(text)
    await leave(measurement.json, `${JSON.stringify(figures, undefined, 2)}\n`)
    await leave(measurement.html, page)
  } finally {
    progress.say('stopping')
    await stack.disposeAsync()
    progress.end()
  }
  if (measurement.afterwards !== undefined) process.stdout.write(await measurement.afterwards())
}

/** Writes a file where one is wanted, and says so. */
async function leave(file: string | undefined, content: string | undefined): Promise<void> {
  if (file === undefined || content === undefined) return
  makeFolder(dirname(resolve(file)))
  await writeFile(file, content)
  process.stderr.write(`${file} written\n`)
}

interface InterruptSignal {
  readonly signal: AbortSignal
  /** Rejects when the signal aborts. */
  readonly promise: Promise<never>
}

function interrupted(): InterruptSignal {
  const ending = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (ending.signal.aborted) process.exit(1)
      ending.abort(new Error(`interrupted (${signal})`))
      reject(new Error(`interrupted (${signal})`))
    })
  }
  return { signal: ending.signal, promise }
}
