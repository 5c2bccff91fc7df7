import { writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Waits } from '../bystander.ts'
import { mainThreadWaitMs, processCpuUs, residentBytes } from '../cpu-clock.ts'
import type { LoopTimes, Memory } from '../gateway-probe.ts'
import { NumberedReader } from '../numbered-reader.ts'
import type { ReconnectArguments } from './arguments.ts'
import type { Bookmark, CrowdAccount, Return } from './clients.ts'
import { type Rig, symbols } from './rig.ts'

/** The gateway during a stretch of time. */
export interface Stretch {
  readonly seconds: number
  readonly cpuMs: number
  /** That its core was given to others meanwhile, which is not its fault. */
  readonly disturbedMs: number
  readonly peakRss: number
  readonly loop: LoopTimes
  readonly waits: Waits
}

/** All clients cut off at once, and back. */
export interface Storm {
  /** All connected and served. */
  readonly before: Stretch
  /** From the cut until all are back. */
  readonly during: Stretch
  /** After a collection, before the cut and when all are back. */
  readonly memory: readonly [Memory, Memory]
  readonly returns: readonly Return[]
  readonly accounts: readonly CrowdAccount[]
}

const beforeSeconds = 5
/** For what was sent to be read. */
const quietMs = 1000
const patienceMs = 60_000
const sampleMs = 100

/** Connects all, cuts them off, lets them come back, with cursors or without, and looks at what they have. */
export async function runStorm(
  rig: Rig,
  load: ReconnectArguments,
  { cursors, profile }: { readonly cursors: boolean; readonly profile: string | undefined },
): Promise<Storm> {
  const { clients, source, gateway } = rig
  await connect(rig, load)
  const bookmark = await bookmarkOf(rig)
  const producing = publish(rig, load)
  await pause((load.seconds - beforeSeconds) * 1000, undefined, { signal: rig.signal })
  const [before] = await stretch(rig, () => pause(beforeSeconds * 1000))
  const memoryBefore = await gateway.ask('memory')
  if (profile !== undefined) await gateway.ask('profile')
  const [during, returns] = await stretch(rig, async () => {
    await Promise.all(clients.map(child => child.call('cut')))
    return Promise.all(clients.map(child => child.call('return', cursors ? bookmark : undefined)))
  })
  if (profile !== undefined) await writeFile(profile, JSON.stringify(await gateway.ask('profile')))
  await producing.end()
  const accounts = await Promise.all(clients.map(child => child.call('account', source.totals, patienceMs)))
  return { before, during, memory: [memoryBefore, await gateway.ask('memory')], returns, accounts }
}

async function connect(
  { clients, target }: Rig,
  { clients: count, wanted }: ReconnectArguments,
): Promise<void> {
  const share = Math.ceil(count / clients.length)
  await Promise.all(
    clients.map((child, index) => {
      const first = index * share
      return child.call('connect', { target, symbols, wanted, first, count: Math.min(share, count - first) })
    }),
  )
}

/** Where the feed is while nothing is published. */
async function bookmarkOf({ target, source }: Rig): Promise<Bookmark> {
  await pause(quietMs)
  const subscribe = { trades: ['*'] }
  const fixed = { target, symbols, begins: {}, looks: 'at frames', buffer: Buffer.alloc(0) } as const
  const reader = new NumberedReader({ ...fixed, subscribe })
  const { partitions } = await reader.acknowledged
  reader.cut()
  return { partitions, totals: structuredClone(source.totals) }
}

function publish({ producer, source, signal }: Rig, { rate, lingerMs }: ReconnectArguments) {
  const ending = new AbortController()
  const until = AbortSignal.any([ending.signal, signal])
  const publishing = producer.publishPaced(source, { perSecond: rate, lingerMs }, until)
  return {
    async end(): Promise<void> {
      ending.abort()
      await publishing
    },
  }
}

async function stretch<T>(
  { gateway, bystander }: Rig,
  work: () => Promise<T>,
): Promise<readonly [Stretch, T]> {
  const { pid } = gateway.process
  await gateway.ask('loop')
  await bystander.call('begin')
  let peakRss = residentBytes(pid)
  const sampling = setInterval(() => (peakRss = Math.max(peakRss, residentBytes(pid))), sampleMs)
  const [begunMs, cpuUs, waitedMs] = [performance.now(), processCpuUs(pid), mainThreadWaitMs(pid)]
  const result = await work()
  const seconds = (performance.now() - begunMs) / 1000
  const cpuMs = (processCpuUs(pid) - cpuUs) / 1000
  const disturbedMs = mainThreadWaitMs(pid) - waitedMs
  clearInterval(sampling)
  const waits = await bystander.call('waits')
  return [{ seconds, cpuMs, disturbedMs, peakRss, loop: await gateway.ask('loop'), waits }, result]
}
