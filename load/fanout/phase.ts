import { setTimeout as pause } from 'node:timers/promises'
import { coreTicks, processCpuUs, processTicks } from '../cpu-clock.ts'
import { lastSymbols } from '../event-source.ts'
import { monotonicUs } from '../monotonic-clock.ts'
import { lastEvents, type Pace } from '../producer.ts'
import type { Rig } from './rig.ts'
import { quantileOf } from '../statistics.ts'
import type { FrameTrace, Received, Target } from '../subscribers.ts'

/** What one phase used. */
interface Usage {
  /** CPU of the server process, kernel included. */
  readonly serverCpuUs: number
  /** The part of it spent in the kernel, 0 to 1, in steps of the kernel's 10 ms. */
  readonly serverKernelShare: number
  readonly subscribersCpuUs: number
  /** How busy the cores beside the server's were, 0 to 1. */
  readonly othersBusy: number
  readonly seconds: number
}

/** One measured stretch of the gateway or of the floor server. */
export interface Phase extends Usage {
  /** 0: one connection that hears only the end. */
  readonly subscribers: number
  /** Read from Kafka. */
  readonly events: number
  /** Answers of Kafka in which they came, with the empty ones of a long poll. */
  readonly fetches: number
  /** Of each subscriber. */
  readonly frames: number
  readonly bytes: number
  readonly latency?: Latency
}

/** From just before a request to Kafka to a subscriber's `read`, of the trades on up to five connections. */
export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly samples: number
  /** Of the producer: see `Producer.publishPaced`. */
  readonly longestGapMs: number
}

const patienceMs = 30_000

/** A backlog gathers while the gateway stands still; measured is how it is read, as fast as that goes. */
export async function measureBacklog(rig: Rig, subscribers: number, events: number): Promise<Measured> {
  const { gateway, producer } = rig
  const fetchesBefore = await gateway.fetches()
  await openSubscribers(rig, subscribers)
  gateway.pause()
  try {
    await producer.publishBacklog(events, rig.signal)
  } catch (error) {
    gateway.resume()
    throw error
  }
  const metered = await meter(rig, gateway.pid, () => {
    gateway.resume()
    return receive(rig, targetOf(subscribers, events), patienceMs)
  })
  await rig.subscribers.call('close')
  const fetches = (await gateway.fetches()) - fetchesBefore
  return measured({ ...metered, subscribers, events, fetches })
}

/** Events come at an even pace. */
export async function measurePaced(rig: Rig, subscribers: number, pace: Pace): Promise<Measured> {
  const { gateway, producer } = rig
  const fetchesBefore = await gateway.fetches()
  await openSubscribers(rig, subscribers)
  const events = pace.perSecond * pace.seconds + lastEvents
  let longestGapMs = 0
  const metered = await meter(rig, gateway.pid, async () => {
    const timeoutMs = pace.seconds * 1000 + patienceMs
    const [received, gapMs] = await Promise.all([
      receive(rig, targetOf(subscribers, events), timeoutMs),
      producer.publishPaced(pace, rig.signal),
    ])
    longestGapMs = gapMs
    return received
  })
  await rig.subscribers.call('close')
  const fetches = (await gateway.fetches()) - fetchesBefore
  const { latenciesUs } = metered.received
  const latency = { ...describeLatencies(latenciesUs), longestGapMs }
  return measured({ ...metered, subscribers, events, fetches, ...(subscribers > 0 ? { latency } : {}) })
}

/** The floor server writes the same frames at the same pace to as many sockets. */
export async function measureFloor(rig: Rig, { phase, trace }: Measured): Promise<Phase> {
  const { floor } = rig
  const { subscribers, events } = phase
  await rig.subscribers.call('open', { host: '127.0.0.1', port: floor.port }, subscribers)
  await floor.child.call('prepare', trace, subscribers)
  const metered = await meter(rig, floor.child.pid, async () => {
    const timeoutMs = phase.seconds * 1000 + patienceMs
    const [received] = await Promise.all([
      receive(rig, { frames: trace.frameBytes.length }, timeoutMs),
      floor.child.call('replay'),
    ])
    return received
  })
  await rig.subscribers.call('close')
  return measured({ ...metered, subscribers, events, fetches: 0 }).phase
}

/** The share of a core that the gateway uses with nobody connected and nothing to read. */
export async function measureIdle({ gateway, signal }: Rig, seconds: number): Promise<number> {
  const before = { cpuUs: processCpuUs(gateway.pid), us: monotonicUs() }
  await pause(seconds * 1000, undefined, { signal })
  return (processCpuUs(gateway.pid) - before.cpuUs) / (monotonicUs() - before.us)
}

/** A phase, and what its first subscriber received when. */
export interface Measured {
  readonly phase: Phase
  readonly trace: FrameTrace
}

type Metered = Usage & { readonly received: Received }

function measured(parts: Metered & Omit<Phase, 'frames' | 'bytes'>): Measured {
  const { received, ...rest } = parts
  return { phase: { ...rest, frames: received.frames, bytes: received.bytes }, trace: received.trace }
}

async function openSubscribers({ gateway, subscribers, token }: Rig, count: number): Promise<void> {
  const names = count === 0 ? lastSymbols : ['*']
  const subscribe = { trades: names, quotes: names, policy: { quotes: 'every' } }
  const { host, port } = gateway
  await subscribers.call('open', { host, port, opening: { token, subscribe } }, Math.max(1, count))
}

function targetOf(subscribers: number, events: number): Target {
  return { events: subscribers === 0 ? lastEvents : events }
}

async function receive({ subscribers }: Rig, target: Target, timeoutMs: number): Promise<Received> {
  const received = await subscribers.call('received', target, timeoutMs)
  if ('events' in target && received.events !== target.events)
    throw new Error(`${received.events} events were received instead of ${target.events}`)
  return received
}

/** Counts from just before `work` to the last byte that it waits for. */
async function meter(rig: Rig, serverPid: number, work: () => Promise<Received>): Promise<Metered> {
  const { subscribers, cores } = rig
  await subscribers.call('begin')
  const before = readings(serverPid, subscribers.pid, cores.others)
  const received = await work()
  const after = readings(serverPid, subscribers.pid, cores.others)
  const kernelUs = after.ticks.kernelUs - before.ticks.kernelUs
  const userUs = after.ticks.userUs - before.ticks.userUs
  return {
    received,
    serverCpuUs: after.serverCpuUs - before.serverCpuUs,
    serverKernelShare: kernelUs / (kernelUs + userUs),
    subscribersCpuUs: after.subscribersCpuUs - before.subscribersCpuUs,
    othersBusy: (after.others.busy - before.others.busy) / (after.others.all - before.others.all),
    seconds: (received.endedUs - before.us) / 1e6,
  }
}

function readings(serverPid: number, subscribersPid: number, others: readonly number[]) {
  return {
    serverCpuUs: processCpuUs(serverPid),
    ticks: processTicks(serverPid),
    subscribersCpuUs: processCpuUs(subscribersPid),
    others: coreTicks(others),
    us: monotonicUs(),
  }
}

function describeLatencies(latenciesUs: Float64Array): Omit<Latency, 'longestGapMs'> {
  return {
    p50Ms: quantileOf(latenciesUs, 0.5) / 1000,
    p99Ms: quantileOf(latenciesUs, 0.99) / 1000,
    maxMs: quantileOf(latenciesUs, 1) / 1000,
    samples: latenciesUs.length,
  }
}
