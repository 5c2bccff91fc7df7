import type { Phase } from './phase.ts'
import type { Round } from './rounds.ts'
import { type Spread, spreadsOf } from '../statistics.ts'

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
    none: spreadsOf(rounds.map(({ none }) => figuresOf(none))),
    one: spreadsOf(rounds.map(({ one }) => figuresOf(one))),
    many: spreadsOf(rounds.map(({ many }) => figuresOf(many))),
    floor: spreadsOf(rounds.map(({ floor }) => figuresOf(floor))),
    comparison: spreadsOf(rounds.map(compare)),
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
