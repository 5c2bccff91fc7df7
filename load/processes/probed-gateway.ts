import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { KafkaBench } from '../lib/bench.ts'
import { program, startChild } from '../lib/child.ts'
import type { Figure } from '../lib/figure-tables.ts'
import { highestPriority } from '../lib/machine.ts'
import { mainThreadWaitMs, processCpuUs, residentBytes } from '../lib/process-figures.ts'
import type { ControlSubscriber } from './control-subscriber.ts'
import { type GatewayOptions, startGateway } from './gateway-process.ts'
import type { ProbeAnswers } from './gateway-probe.ts'

const probe = fileURLToPath(new URL('gateway-probe.ts', import.meta.url))
const sampleMs = 100

const probedSettings = {
  // The control subscriber's pings are messages.
  TICKER_MESSAGES_PER_SECOND: '100000',
  // The default, at which a session would be closed: what readers behind hold must not come near it.
  TICKER_MAX_UNSENT_BYTES: '4194304',
} as const

/** `--profile FILE` of scenarios that profile one stretch of a run. */
export const profileFileOption = {
  placeholder: 'FILE',
  help: "the gateway's CPU profile of the last round's main stretch, as --cpu-prof has it",
} as const

/** The figures of a stretch that tell how long the gateway kept a client waiting. */
export const stretchFigures: readonly Figure<Stretch>[] = [
  ['control subscriber p50, ms', ({ roundTrips }) => roundTrips.p50Ms, 2],
  ['control subscriber p99, ms', ({ roundTrips }) => roundTrips.p99Ms, 1],
  ['control subscriber, longest, ms', ({ roundTrips }) => roundTrips.longestMs, 1],
  ['event loop, p99, ms', ({ loop }) => loop.p99Ms, 2],
  ['event loop, longest turn, ms', ({ loop }) => loop.longestMs, 1],
  ['CPU of a turn, p99, ms', ({ loop }) => loop.cpuP99Ms, 1],
  ['CPU of a turn, longest, ms', ({ loop }) => loop.cpuLongestMs, 1],
  ['longest collection, ms', ({ loop }) => loop.longestCollectionMs, 1],
  ['its core taken by others, cores', ({ coreTakenMs, seconds }) => coreTakenMs / 1000 / seconds, 2],
]

export type ProbedGateway = Awaited<ReturnType<typeof startProbedGateway>>
/** The gateway in a stretch of time. */
export type Stretch = Awaited<ReturnType<ProbedGateway['during']>>[0]

/**
 * Starts a gateway that reports its memory after a collection, how long its loop was busy, and a profile. A
 * control subscriber, a session that subscribes to nothing, pings it every 5 ms.
 */
export async function startProbedGateway(options: GatewayOptions, bench: KafkaBench) {
  const { stack } = bench
  const folder = await mkdtemp(join(tmpdir(), 'load-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const socketPath = join(folder, 'probe')
  const nodeOptions = ['--expose-gc', '--import', probe]
  const settings = { ...probedSettings, ...options.settings, LOAD_PROBE: socketPath }
  const { pid, address, token } = await startGateway({ ...options, nodeOptions, settings }, bench)
  const command = highestPriority().command(program('processes/control-subscriber.ts'))
  const control = startChild<ControlSubscriber>(stack, 'control subscriber', command)
  const { host, port, isTls } = address
  await control.call('open', `${isTls ? 'wss' : 'ws'}://${host}:${port}/v1/stream`, token)

  async function ask<Name extends keyof ProbeAnswers>(name: Name): Promise<ProbeAnswers[Name]> {
    const answered = Promise.withResolvers<string>()
    const asked = request({ socketPath, path: `/${name}` }, response => {
      text(response).then(answered.resolve, answered.reject)
    })
    asked.on('error', answered.reject).end()
    // Both ends share the type.
    return JSON.parse(await answered.promise) as ProbeAnswers[Name]
  }

  return {
    target: { ...address, token },
    ask,

    /** Does the work, and observes the gateway meanwhile. */
    async during<T>(work: () => Promise<T>) {
      await ask('loop')
      await control.call('begin')
      let peakRss = residentBytes(pid)
      const sampling = setInterval(() => (peakRss = Math.max(peakRss, residentBytes(pid))), sampleMs)
      const [begunMs, cpuUs, waitedMs] = [performance.now(), processCpuUs(pid), mainThreadWaitMs(pid)]
      const result = await work().finally(() => clearInterval(sampling))
      const seconds = (performance.now() - begunMs) / 1000
      const cpuMs = (processCpuUs(pid) - cpuUs) / 1000
      /** How long its core ran others although it was ready, which is not its fault. */
      const coreTakenMs = mainThreadWaitMs(pid) - waitedMs
      const roundTrips = await control.call('roundTrips')
      const stretch = { seconds, cpuMs, coreTakenMs, peakRss, loop: await ask('loop'), roundTrips }
      return [stretch, result] as const
    },

    /** Does the work, and writes the gateway's CPU profile of it to a file, if one is named. */
    async profiled<T>(file: string | undefined, work: () => Promise<T>): Promise<T> {
      if (file === undefined) return await work()
      await ask('profile')
      const result = await work()
      await writeFile(file, JSON.stringify(await ask('profile')))
      return result
    },
  }
}
