import { writeFile } from 'node:fs/promises'
import { messageOf } from '../src/ticker-error.ts'
import { type LoadArguments, loadUsage, parseLoadArguments } from './load-arguments.ts'
import { describeMachine } from './machine.ts'
import { hottestFunctions } from './profile.ts'
import { Progress } from './progress.ts'
import { renderReport } from './report.ts'
import { type Rig, startRig } from './rig.ts'
import { runRounds } from './rounds.ts'
import { summaryOf } from './summary.ts'

// kafkajs sets timers of less than nothing by the hundred, and Node says so each time in the middle of our progress.
process.removeAllListeners('warning')
process.on('warning', warning => {
  if (warning.name !== 'TimeoutNegativeWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`)
})

// Leaves at once what may still be starting after an interruption: it ends with this process.
process.exit(await main(process.argv.slice(2)))

async function main(args: readonly string[]): Promise<number> {
  try {
    const load = parseLoadArguments(args)
    if (load === 'help') process.stdout.write(loadUsage)
    else await run(load)
    return 0
  } catch (error) {
    process.stderr.write(`load: ${messageOf(error)}\n`)
    return 1
  }
}

/** Measures and prints. A first signal ends everything that was started, in order; a second one this process at once. */
async function run(load: LoadArguments): Promise<void> {
  const interruption = interrupted()
  const progress = new Progress(process.stderr)
  const stack = new AsyncDisposableStack()
  try {
    await Promise.race([
      measure(load, { stack, progress, signal: interruption.signal }),
      interruption.promise,
    ])
  } finally {
    progress.say('stopping')
    await stack.disposeAsync()
    progress.end()
  }
  if (load.profile !== undefined) process.stdout.write(await hottestFunctions(load.profile))
}

interface Interruption {
  readonly signal: AbortSignal
  /** Rejects when the signal aborts. */
  readonly promise: Promise<never>
}

function interrupted(): Interruption {
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

interface Run {
  readonly stack: AsyncDisposableStack
  readonly progress: Progress
  readonly signal: AbortSignal
}

async function measure(load: LoadArguments, { stack, progress, signal }: Run): Promise<void> {
  const report = (what: string): void => progress.say(what)
  const rig = await startRig({ ...load, signal, report }, stack)
  const results = await runRounds(rig, load, report)
  progress.end()
  const machine = describe(rig, load)
  const cases = results.cases.map(({ perSecond, rounds }) => ({
    ...(perSecond === undefined ? {} : { perSecond }),
    summary: summaryOf(rounds),
    rounds,
  }))
  process.stdout.write(renderReport({ machine, idleShare: results.idleShare, cases, load }))
  if (load.json === undefined) return
  const json = JSON.stringify({ machine, load, idleShare: results.idleShare, cases }, undefined, 2)
  await writeFile(load.json, `${json}\n`)
}

function describe({ cores }: Rig, { kafka }: LoadArguments): string[] {
  const broker = kafka === undefined ? 'a Kafka of its own' : `the Kafka at ${kafka}, which is not pinned`
  return [...describeMachine(), cores.description, broker]
}
