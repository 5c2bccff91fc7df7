import { startGround } from '../ground.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { findUrgency } from '../urgency.ts'
import { parseReconnectArguments, type ReconnectArguments, reconnectUsage } from './arguments.ts'
import { renderReconnect } from './report.ts'
import { startRig } from './rig.ts'
import { runStorm, type Storm } from './round.ts'

/** Thousands of clients that come back at once. */
export const reconnect: Scenario = {
  name: 'reconnect',
  summary: '5,000 TLS clients cut off at once that come back with cursors, and without',
  usage: reconnectUsage,
  prepare(args) {
    const load = parseReconnectArguments(args)
    return { json: load.json, measure: bench => measure(load, bench) }
  },
}

/** The same, without cursors and with them. */
export interface ReconnectRound {
  readonly control: Storm
  readonly cursors: Storm
}

async function measure(load: ReconnectArguments, bench: Bench): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const urgency = findUrgency()
  const rig = await startRig(ground, { urgency, load }, bench)
  const rounds: ReconnectRound[] = []
  for (let round = 1; round <= load.rounds; round++) {
    const name = `round ${round} of ${load.rounds}`
    bench.say(`${name}: without cursors`)
    const control = await runStorm(rig, load, { cursors: false, profile: undefined })
    bench.say(`${name}: with cursors`)
    const profile = round === load.rounds ? load.profile : undefined
    rounds.push({ control, cursors: await runStorm(rig, load, { cursors: true, profile }) })
  }
  const machine = [...ground.machine, `bystander ${urgency.description}`]
  return { text: renderReconnect({ machine, load, rounds }), figures: { machine, load, rounds } }
}
