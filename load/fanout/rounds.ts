import type { LoadArguments } from './arguments.ts'
import {
  type Measured,
  measureBacklog,
  measureFloor,
  measureIdle,
  measurePaced,
  type Phase,
} from './phase.ts'
import type { Rig } from './rig.ts'

/** One round of a case: the same load with nobody, one and many subscribed, and the floor under the last. */
export interface Round {
  readonly none: Phase
  readonly one: Phase
  readonly many: Phase
  readonly floor: Phase
}

/** A load, and how each round of it went. */
export interface Case {
  /** Events per second; absent: a backlog, as fast as it goes. */
  readonly perSecond?: number
  readonly rounds: readonly Round[]
}

export interface Results {
  readonly cases: readonly Case[]
  /** The share of a core that the idle gateway uses. Nothing is corrected by it. */
  readonly idleShare: number
}

const warmUpEvents = 8000
const warmUpPerSecond = 5000
const idleSeconds = 1

/** Runs every case in every round, the cases in turn and each floor right after its phase, after a warm-up that is thrown away. */
export async function runRounds(
  rig: Rig,
  load: LoadArguments,
  report: (what: string) => void,
): Promise<Results> {
  await warmUp(rig, load, report)
  report('idle')
  const idleShare = await measureIdle(rig, idleSeconds)
  const loads = [
    ...(load.cases.includes('throughput') ? [undefined] : []),
    ...(load.cases.includes('paced') ? load.rates : []),
  ]
  const cases = loads.map(perSecond => ({ perSecond, rounds: new Array<Round>() }))
  for (let round = 1; round <= load.rounds; round++) {
    for (const { perSecond, rounds } of cases) {
      const name = perSecond === undefined ? 'backlog' : `${perSecond} events/s`
      const say = (who: string): void => report(`round ${round} of ${load.rounds}: ${name}, ${who}`)
      rounds.push(
        await runRound(count => measure(rig, load, { perSecond, subscribers: count }), {
          rig,
          subscribers: load.subscribers,
          say,
        }),
      )
    }
  }
  return {
    idleShare,
    cases: cases.map(({ perSecond, rounds }) =>
      perSecond === undefined ? { rounds } : { perSecond, rounds },
    ),
  }
}

async function warmUp(rig: Rig, load: LoadArguments, report: (what: string) => void): Promise<void> {
  const { subscribers, warmUpSeconds: seconds } = load
  const pace = { perSecond: warmUpPerSecond, seconds }
  report('warm-up: backlog')
  await measureBacklog(rig, 0, warmUpEvents)
  await measureFloor(rig, await measureBacklog(rig, subscribers, warmUpEvents))
  report(`warm-up: paced, ${subscribers} subscribers and the floor`)
  await measureFloor(rig, await measurePaced(rig, subscribers, pace))
  report('warm-up: paced, nobody')
  await measurePaced(rig, 0, pace)
}

interface RoundOptions {
  readonly rig: Rig
  readonly subscribers: number
  readonly say: (who: string) => void
}

async function runRound(
  measureWith: (subscribers: number) => Promise<Measured>,
  { rig, subscribers, say }: RoundOptions,
): Promise<Round> {
  say('nobody')
  const none = await measureWith(0)
  say('1 subscriber')
  const one = await measureWith(1)
  say(`${subscribers} subscribers`)
  const many = await measureWith(subscribers)
  say(`${subscribers} bare sockets`)
  const floor = await measureFloor(rig, many)
  return { none: none.phase, one: one.phase, many: many.phase, floor }
}

interface Wanted {
  readonly perSecond: number | undefined
  readonly subscribers: number
}

function measure(rig: Rig, load: LoadArguments, { perSecond, subscribers }: Wanted): Promise<Measured> {
  if (perSecond !== undefined) return measurePaced(rig, subscribers, { perSecond, seconds: load.seconds })
  return measureBacklog(rig, subscribers, load.backlog)
}
