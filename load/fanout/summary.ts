import type { Phase } from './phase.ts'
import type { Round } from './rounds.ts'
import { type Spread, spreadOf } from '../statistics.ts'

/** The figures of a phase, over all rounds. */
export type PhaseSummary = Readonly<Record<keyof ReturnType<typeof figuresOf>, Spread>>

/** The figures of a case, over all rounds. */
export interface Summary {
  readonly none: PhaseSummary
  readonly one: PhaseSummary
  readonly many: PhaseSummary
  readonly floor: PhaseSummary
  readonly comparison: Readonly<Record<keyof ReturnType<typeof compare>, Spread>>
}

export function summaryOf(rounds: readonly Round[]): Summary {
  return {
    none: spreads(rounds.map(({ none }) => figuresOf(none))),
    one: spreads(rounds.map(({ one }) => figuresOf(one))),
    many: spreads(rounds.map(({ many }) => figuresOf(many))),
    floor: spreads(rounds.map(({ floor }) => figuresOf(floor))),
    comparison: spreads(rounds.map(compare)),
  }
}

function figuresOf(phase: Phase) {
  const { events, frames, bytes, seconds, subscribers, latency } = phase
  const us = seconds * 1e6
  return {
    eventsPerSecond: events / seconds,
    deliveriesPerSecond: (events * subscribers) / seconds,
    cpuUsPerEvent: phase.serverCpuUs / events,
    serverShare: phase.serverCpuUs / us,
    kernelShare: phase.serverKernelShare,
    subscribersShare: phase.subscribersCpuUs / us,
    othersBusy: phase.othersBusy,
    eventsPerFetch: events / phase.fetches,
    eventsPerWrite: events / frames,
    bytesPerWrite: bytes / frames,
    p50Ms: latency?.p50Ms ?? Number.NaN,
    p99Ms: latency?.p99Ms ?? Number.NaN,
    maxMs: latency?.maxMs ?? Number.NaN,
    longestGapMs: latency?.longestGapMs ?? Number.NaN,
  }
}

/** A round's gateway beside its floor. A delivery is one event to one subscriber. */
function compare({ none, many, floor }: Round) {
  const ingestUs = none.serverCpuUs / none.events
  const withIngestUs = many.serverCpuUs / many.events / many.subscribers
  const deliveryUs = (many.serverCpuUs / many.events - ingestUs) / many.subscribers
  const floorUs = floor.serverCpuUs / many.events / many.subscribers
  return {
    ingestUsPerEvent: ingestUs,
    usPerDelivery: deliveryUs,
    usPerDeliveryWithIngest: withIngestUs,
    floorUsPerDelivery: floorUs,
    floorUsPerWrite: floor.serverCpuUs / floor.frames / floor.subscribers,
    ratio: deliveryUs / floorUs,
    ratioWithIngest: withIngestUs / floorUs,
  }
}

function spreads<Name extends string>(
  rounds: readonly Readonly<Record<Name, number>>[],
): Readonly<Record<Name, Spread>> {
  const [first] = rounds
  if (first === undefined) throw new RangeError('no round was measured')
  const entries = Object.keys(first).map(name => [name, spreadOf(rounds.map(round => round[name as Name]))])
  // The keys are those of the first round.
  return Object.fromEntries(entries) as Record<Name, Spread>
}
