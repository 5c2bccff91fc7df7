import { writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { muteKafkajsWarnings } from './lib/child.ts'
import { describeMachine, divideCores } from './lib/machine.ts'
import { renderPage } from './lib/page.ts'
import { hottestFunctions } from './lib/profile.ts'
import { renderText } from './lib/report.ts'
import type { Measured, Measurement, Scenario } from './lib/scenario.ts'
import { bytes } from './scenarios/bytes/bytes.ts'
import { deepResume } from './scenarios/deep-resume.ts'
import { delayedFeed } from './scenarios/delayed-feed/delayed-feed.ts'
import { peers, sameItems, scale, watchLists } from './scenarios/delivery/delivery.ts'
import { drain } from './scenarios/drain/drain.ts'
import { filters } from './scenarios/filters/filters.ts'
import { idle } from './scenarios/idle.ts'
import { kafkaLatency } from './scenarios/kafka-latency/kafka-latency.ts'
import { latency } from './scenarios/latency/latency.ts'
import { publish } from './scenarios/publish/publish.ts'
import { readPath } from './scenarios/read-path/read-path.ts'
import { reconnect } from './scenarios/reconnect.ts'
import { slowReaders } from './scenarios/slow-readers.ts'
import { window } from './scenarios/window/window.ts'
import { workers } from './scenarios/workers.ts'
import { UsageError } from '../src/commands/command-line.ts'
import { messageOf } from '../src/diagnostics/ticker-error.ts'
import { makeFolder } from '../src/system/make-folder.ts'

/** Every scenario; the first is run where none is named. */
const scenarios: readonly [Scenario, ...Scenario[]] = [
  sameItems,
  watchLists,
  scale,
  filters,
  latency,
  idle,
  peers,
  readPath,
  drain,
  publish,
  kafkaLatency,
  window,
  workers,
  bytes,
  slowReaders,
  reconnect,
  deepResume,
  delayedFeed,
]

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
    if (!rest.includes('--help') && !rest.includes('-h')) return await run(scenario.prepare(rest))
    process.stdout.write(scenario.usage)
    return 0
  } catch (error) {
    process.stderr.write(`load: ${messageOf(error)}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

function listOfScenarios(): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length))
  const lines = scenarios.map(({ name, summary }) => `  npm run load -- ${name.padEnd(width)}  ${summary}\n`)
  return `Benchmarks against a real Kafka. Each ends by itself; Linux only, Java and Maven are needed.

${lines.join('')}
Without a name: ${scenarios[0].name}. Options of one: npm run load -- NAME --help.
Exit codes: 0 measured, 1 not, or something was lost, 2 usage.
`
}

function find(name: string): Scenario {
  const found = scenarios.find(scenario => scenario.name === name)
  if (found !== undefined) return found
  throw new UsageError(`${name}: no such scenario; expected ${scenarios.map(each => each.name).join(', ')}`)
}

/** Measures and prints. A first signal ends everything in order; a second one ends this process at once. */
async function run(measurement: Measurement): Promise<number> {
  const interruption = interrupted()
  const begunMs = performance.now()
  const stack = new AsyncDisposableStack()
  const cores = divideCores()
  const machine = [...describeMachine(), cores.description]
  let failures: readonly string[] = []
  const say = (what: string): void => {
    const seconds = Math.round((performance.now() - begunMs) / 1000)
    process.stderr.write(`${String(seconds).padStart(4)} s  ${what}\n`)
  }
  try {
    const bench = { stack, signal: interruption.signal, say, cores, machine }
    const measured = await Promise.race([measurement.measure(bench), interruption.promise])
    await leave(measured, measurement.files)
    ;({ failures } = measured)
  } finally {
    say('stopping')
    await stack.disposeAsync()
  }
  if (measurement.profileFolder !== undefined)
    process.stdout.write(await hottestFunctions(measurement.profileFolder))
  for (const failure of failures) process.stderr.write(`load: ${failure}\n`)
  return failures.length === 0 ? 0 : 1
}

async function leave({ report, figures }: Measured, files: Measurement['files']): Promise<void> {
  process.stdout.write(renderText(report))
  await write(files.json, `${JSON.stringify(figures, undefined, 2)}\n`)
  await write(files.html, renderPage(report))
}

async function write(file: string, content: string): Promise<void> {
  makeFolder(dirname(resolve(file)))
  await writeFile(file, content)
  process.stderr.write(`${file} written\n`)
}

/** A signal that aborts, and a promise that rejects, when the user interrupts. */
function interrupted(): { readonly signal: AbortSignal; readonly promise: Promise<never> } {
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
