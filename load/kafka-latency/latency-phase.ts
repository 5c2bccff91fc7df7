import type { Child } from '../child-calls.ts'
import { coreTicks } from '../cpu-clock.ts'
import { lastEvents, type Pace } from '../event-source.ts'
import type { FastProducer, Pacing } from './fast-producer.ts'
import type { Handled, LatencyHandler } from './handler.ts'

/** What the phases work with. */
export interface LatencyRig {
  readonly producer: FastProducer
  readonly handler: Child<LatencyHandler>
  /** The cores of Kafka and the producer. */
  readonly others: readonly number[]
  readonly signal: AbortSignal
}

/** One rate for some seconds. */
export interface LatencyPhase extends Handled, Pacing {
  readonly perSecond: number
  /** How busy the cores of Kafka and the producer were, 0 to 1. */
  readonly othersBusy: number
  /** Whether producer and reader kept up. */
  readonly isSustained: boolean
  /** What kept it from being so. */
  readonly limit: 'none' | 'producer and Kafka' | 'reader'
}

/** What comes later than this after the last was produced is a reader that fell behind. */
const patienceMs = 3000
/** By which part a producer may be late. */
const lateShare = 0.03
/** From here on a latency that grows is a backlog. */
const growthMs = 20
/** A later median is a backlog, grown or not. */
const mostMs = 250
/** A reader that uses less of its core is not what is too slow. */
const fullShare = 0.8

/** Publishes at a pace and waits for everything at the handler. */
export async function measureLatency(
  { producer, handler, others, signal }: LatencyRig,
  pace: Pace,
): Promise<LatencyPhase> {
  const { perSecond, seconds } = pace
  const expected = perSecond * seconds + lastEvents
  await handler.call('begin')
  const before = coreTicks(others)
  const pacing = await producer.publishPaced(pace, signal)
  const handled = await handler.call('handled', expected, patienceMs)
  const after = coreTicks(others)
  const othersBusy = (after.busy - before.busy) / (after.all - before.all)
  const limit = limitOf(pace, { pacing, handled, expected })
  // What is late of an overload would disturb the next phase.
  if (handled.events < expected) await handler.call('handled', expected, 10 * patienceMs)
  return { ...pacing, ...handled, perSecond, othersBusy, limit, isSustained: limit === 'none' }
}

interface Outcome {
  readonly pacing: Pacing
  readonly handled: Handled
  readonly expected: number
}

function limitOf({ seconds }: Pace, { pacing, handled, expected }: Outcome): LatencyPhase['limit'] {
  const { firstQuarterMs, lastQuarterMs, events, cpuUs } = handled
  const isOnTime = pacing.seconds <= seconds * (1 + lateShare)
  const isLevel = lastQuarterMs <= Math.min(mostMs, 2 * firstQuarterMs + growthMs)
  if (isOnTime && isLevel && events === expected) return 'none'
  return cpuUs > fullShare * pacing.seconds * 1e6 ? 'reader' : 'producer and Kafka'
}
