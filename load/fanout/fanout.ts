import { startGround } from '../ground.ts'
import { hottestFunctions } from '../profile.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { fanoutUsage, type LoadArguments, parseLoadArguments } from './arguments.ts'
import { renderReport } from './report.ts'
import { startRig } from './rig.ts'
import { runRounds } from './rounds.ts'
import { summaryOf } from './summary.ts'

/** The gateway between a real Kafka and its subscribers, beside the least that Node could do. */
export const fanout: Scenario = {
  name: 'fanout',
  summary: 'the gateway between Kafka and 0, 1 and many subscribers: events/s, server CPU, latency',
  usage: fanoutUsage,
  prepare(args) {
    const load = parseLoadArguments(args)
    const { profile } = load
    return {
      json: load.json,
      measure: bench => measure(load, bench),
      ...(profile === undefined ? {} : { afterwards: () => hottestFunctions(profile) }),
    }
  },
}

async function measure(load: LoadArguments, bench: Bench): Promise<Outcome> {
  const { machine, ...ground } = await startGround(load.kafka, bench)
  const rig = await startRig({ ...ground, profile: load.profile }, bench)
  const results = await runRounds(rig, load, bench.say)
  const cases = results.cases.map(({ perSecond, rounds }) => ({
    ...(perSecond === undefined ? {} : { perSecond }),
    summary: summaryOf(rounds),
    rounds,
  }))
  const { idleShare } = results
  return {
    text: renderReport({ machine, idleShare, cases, load }),
    figures: { machine, load, idleShare, cases },
  }
}
