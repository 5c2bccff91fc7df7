import { Child } from '../child-calls.ts'
import { startGround } from '../ground.ts'
import { program } from '../program.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import type { Subscribers } from '../subscribers.ts'
import { parseWorkersArguments, type WorkersArguments, workersUsage } from './arguments.ts'
import { MeasuredNode } from './node.ts'
import { renderWorkers, type WorkersRound } from './report.ts'

/** Several workers beside a single process. */
export const workers: Scenario = {
  name: 'workers',
  summary: 'several workers beside a single process: server CPU per delivery and per connection',
  usage: workersUsage,
  prepare(args) {
    const load = parseWorkersArguments(args)
    return { json: load.json, measure: bench => measure(load, bench) }
  },
}

const warmUpSeconds = 2

async function measure(load: WorkersArguments, bench: Bench): Promise<Outcome> {
  const { stack, signal, say } = bench
  const ground = await startGround(load.kafka, bench)
  const subscribers = new Child<Subscribers>('subscribers', program('subscribers.ts'))
  stack.defer(() => subscribers.stop())
  const single = await MeasuredNode.start({ ground, workers: 1, subscribers }, bench)
  const several = await MeasuredNode.start({ ground, workers: load.workers, subscribers }, bench)
  const pace = { perSecond: load.rate, seconds: load.seconds }
  const rounds: WorkersRound[] = []
  say('warm-up')
  for (const node of [single, several]) {
    await node.measure({ ...pace, seconds: warmUpSeconds }, load.subscribers, signal)
  }
  for (let round = 1; round <= load.rounds; round++) {
    say(`round ${round} of ${load.rounds}`)
    // Whoever comes first in a round may have it easier.
    const isSingleFirst = round % 2 === 1
    const measureSingle = () => single.measure(pace, load.subscribers, signal)
    const measureSeveral = () => several.measure(pace, load.subscribers, signal)
    const early = isSingleFirst ? await measureSingle() : undefined
    const ofSeveral = await measureSeveral()
    rounds.push({ single: early ?? (await measureSingle()), several: ofSeveral })
  }
  const { machine } = ground
  return { text: renderWorkers(machine, load, rounds), figures: { machine, load, rounds } }
}
