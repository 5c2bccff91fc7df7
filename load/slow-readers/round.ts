import { writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { mintTestToken } from '../../test/support/gateway.ts'
import type { Topics } from '../../src/log/topics.ts'
import { Child } from '../child-calls.ts'
import { mainThreadWaitMs, processCpuUs, residentBytes } from '../cpu-clock.ts'
import type { LoopTimes, Memory } from '../gateway-probe.ts'
import type { Ground } from '../ground.ts'
import { kernelTcpBytes } from '../kernel-memory.ts'
import type { NumberedProducer } from '../numbered-producer.ts'
import type { NumberedSource } from '../numbered-source.ts'
import { ProbedGateway } from '../probed-gateway.ts'
import { program } from '../program.ts'
import type { Bench } from '../scenario.ts'
import type { SlowReadersArguments } from './arguments.ts'
import type { KindAccount, Latencies, SlowReaders } from './readers.ts'

/** What the rounds have in common. */
export interface Rig {
  readonly ground: Ground
  readonly topics: Topics
  readonly producer: NumberedProducer
  readonly source: NumberedSource
  readonly bench: Bench
}

/** The gateway and its steady readers during a stretch of time. */
export interface Stretch {
  readonly seconds: number
  readonly cpuMs: number
  /** That its core was given to others meanwhile, which is not its fault. */
  readonly disturbedMs: number
  readonly peakRss: number
  readonly loop: LoopTimes
  readonly latencies: Latencies
}

/** One run: half of the readers stand still for a time, or nobody does. */
export interface Run {
  readonly standing: Stretch
  readonly catchingUp: Stretch
  /** At the end of the standing. */
  readonly memory: Memory
  readonly kernelBytes: number
  readonly accounts: readonly KindAccount[]
  readonly longestGapMs: number
}

const leadSeconds = 5
const afterSeconds = 20
const lingerMs = 5
const patienceMs = 90_000
const sampleMs = 100

/** A gateway of its own, so that memory of former runs does not count. */
export async function runOnce(
  rig: Rig,
  load: SlowReadersArguments,
  { stops, profile }: { readonly stops: boolean; readonly profile: string | undefined },
): Promise<Run> {
  const { ground, topics, bench } = rig
  await using stack = new AsyncDisposableStack()
  const { brokers, cores } = ground
  const gateway = await ProbedGateway.start(
    { brokers, topics, cores, profile: undefined, settings },
    { ...bench, stack },
  )
  const readers = new Child<SlowReaders>('readers', program('slow-readers/readers.ts'))
  stack.defer(() => readers.stop())
  return await new SlowRun(rig, gateway, readers).measure(load, { stops, profile })
}

/** As often as in production; readers hear of being behind with it. */
const settings = {
  TICKER_HEARTBEAT_MS: '5000',
  // The default, at which a session would be closed: what readers behind hold must not come near it.
  TICKER_MAX_UNSENT_BYTES: '4194304',
} as const

class SlowRun {
  readonly #rig: Rig
  readonly #gateway: ProbedGateway
  readonly #readers: Child<SlowReaders>

  constructor(rig: Rig, gateway: ProbedGateway, readers: Child<SlowReaders>) {
    this.#rig = rig
    this.#gateway = gateway
    this.#readers = readers
  }

  async measure(
    { subscribers, rate, seconds }: SlowReadersArguments,
    { stops, profile }: { readonly stops: boolean; readonly profile: string | undefined },
  ): Promise<Run> {
    const { producer, source, bench } = this.#rig
    const { signal } = bench
    const { host, port } = this.#gateway.process
    const target = { host, port, isSecure: false, token: await mintTestToken() }
    await this.#readers.call('open', target, source.totals, subscribers)
    const ending = new AbortController()
    const until = AbortSignal.any([ending.signal, signal])
    const publishing = producer.publishPaced(source, { perSecond: rate, lingerMs }, until)
    await pause(leadSeconds * 1000, undefined, { signal })
    if (stops) await this.#readers.call('stand')
    const standing = await this.#stretch(seconds)
    const [memory, kernelBytes] = [await this.#gateway.ask('memory'), kernelTcpBytes()]
    if (profile !== undefined) await this.#gateway.ask('profile')
    if (stops) await this.#readers.call('readAgain')
    const catchingUp = await this.#stretch(afterSeconds)
    if (profile !== undefined) await writeFile(profile, JSON.stringify(await this.#gateway.ask('profile')))
    ending.abort()
    const longestGapMs = await publishing
    const accounts = await this.#readers.call('accounts', source.totals, patienceMs)
    return { standing, catchingUp, memory, kernelBytes, accounts, longestGapMs }
  }

  async #stretch(seconds: number): Promise<Stretch> {
    const { signal } = this.#rig.bench
    const { pid } = this.#gateway.process
    await this.#gateway.ask('loop')
    await this.#readers.call('latencies')
    let peakRss = residentBytes(pid)
    const sampling = setInterval(() => (peakRss = Math.max(peakRss, residentBytes(pid))), sampleMs)
    const [begunMs, cpuUs, waitedMs] = [performance.now(), processCpuUs(pid), mainThreadWaitMs(pid)]
    await pause(seconds * 1000, undefined, { signal }).finally(() => clearInterval(sampling))
    return {
      seconds: (performance.now() - begunMs) / 1000,
      cpuMs: (processCpuUs(pid) - cpuUs) / 1000,
      disturbedMs: mainThreadWaitMs(pid) - waitedMs,
      peakRss,
      loop: await this.#gateway.ask('loop'),
      latencies: await this.#readers.call('latencies'),
    }
  }
}
