import type { Bench } from '../scenario.ts'
import { quantileOf } from '../statistics.ts'
import { measurePhase, type Phase, type Station } from './phase.ts'
import { cumulatedOf, makeBatches, makeUnwanted, type Schedule, type Workload } from './workload.ts'

/** Servers beside each other under one workload; the floor is among them. */
export interface Contest {
  /** In the order in which they take their turns. */
  readonly stations: readonly Station[]
  readonly sizes: readonly number[]
  readonly rounds: number
  readonly seconds: number
  /** The time that a batch is given for each delivery, so that no server is overrun. */
  readonly usPerDelivery: number
}

/** What one server used in one round with batches of one size. */
export interface Turn {
  readonly peer: string
  readonly size: number
  readonly figures: Figures
}

/** Of one phase. */
export type Figures = ReturnType<typeof figuresOf>

/** The time that a batch is given for each client. */
const usPerClient = 16
const leastIntervalMs = 10
const fewestBatches = 10

/** Measures every server with every size of batch in every round, in turn, after a round that is thrown away. */
export async function runContest(
  contest: Contest,
  { say, signal }: Bench,
): Promise<readonly (readonly Turn[])[]> {
  const rounds: Turn[][] = []
  for (let round = 0; round <= contest.rounds; round++) {
    const turns: Turn[] = []
    for (const size of contest.sizes) {
      for (const station of contest.stations) {
        signal.throwIfAborted()
        const when = round === 0 ? 'warm-up' : `round ${round} of ${contest.rounds}`
        say(`${when}: ${station.workload.name}, ${size} a batch, ${station.peer.name}`)
        const figures = await measureTurn(station, contest, size)
        turns.push({ peer: station.peer.name, size, figures })
      }
    }
    if (round > 0) rounds.push(turns)
  }
  return rounds
}

async function measureTurn(station: Station, contest: Contest, size: number): Promise<Figures> {
  const { workload } = station
  const { intervalMs, count } = paceOf(workload, contest, size)
  const reading = station.peer.isReader
    ? await measurePhase(station, { batches: makeUnwanted(count, size), intervalMs })
    : undefined
  const schedule: Schedule = { batches: makeBatches(workload, count, size), intervalMs }
  return figuresOf(await measurePhase(station, schedule), { reading, station })
}

/** As many batches as fit into the time of a phase. */
function paceOf(
  workload: Workload,
  { seconds, usPerDelivery }: Contest,
  size: number,
): { readonly intervalMs: number; readonly count: number } {
  const trial = makeBatches(workload, 50, size)
  const deliveries = (cumulatedOf(workload, trial).at(-1) ?? 0) / trial.length
  const us = Math.max(deliveries * usPerDelivery, workload.lists.length * usPerClient)
  const intervalMs = Math.max(leastIntervalMs, us / 1000)
  return { intervalMs, count: Math.max(fewestBatches, Math.round((seconds * 1000) / intervalMs)) }
}

interface Beside {
  readonly reading: Phase | undefined
  readonly station: Station
}

function figuresOf(phase: Phase, { reading, station }: Beside) {
  const { deliveries, frames, bytes, latenciesUs } = phase
  return {
    /** Reading the log taken off: what the same batches cost when nobody wanted them. */
    fanoutUs: (phase.serverCpuUs - (reading?.serverCpuUs ?? 0)) / deliveries,
    /** Everything. */
    wholeUs: phase.serverCpuUs / deliveries,
    bytes: bytes / deliveries,
    eventsPerFrame: deliveries / frames,
    p50Ms: quantileOf(latenciesUs, 0.5) / 1000,
    p99Ms: quantileOf(latenciesUs, 0.99) / 1000,
    connectionKilobytes: station.connectionBytes / 1000,
    serverShare: phase.serverShare,
    clientsShare: phase.clientsShare,
    othersBusy: phase.othersBusy,
    deliveries,
  }
}
