import { writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { mintTestToken } from '../../test/support/gateway.ts'
import type { Bystander, Waits } from '../bystander.ts'
import { Child } from '../child-calls.ts'
import { mainThreadWaitMs, processCpuUs } from '../cpu-clock.ts'
import type { LoopTimes } from '../gateway-probe.ts'
import { startGround } from '../ground.ts'
import { NumberedProducer } from '../numbered-producer.ts'
import { NumberedSource, partitions } from '../numbered-source.ts'
import { ProbedGateway } from '../probed-gateway.ts'
import { program } from '../program.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { findUrgency } from '../urgency.ts'
import type { WireTarget } from '../wire-client.ts'
import { type DeepResumeArguments, deepResumeUsage, parseDeepResumeArguments } from './arguments.ts'
import type { Account, DeepReader, Resumed } from './reader.ts'
import { renderDeepResume } from './report.ts'

/** A resume from far back in Kafka. */
export const deepResume: Scenario = {
  name: 'deep-resume',
  summary: 'a resume 2 million events back in Kafka: complete, its pace, the pauses of the event loop',
  usage: deepResumeUsage,
  prepare(args) {
    const load = parseDeepResumeArguments(args)
    return { json: load.json, measure: bench => measure(load, bench) }
  },
}

/** The gateway during a stretch of time. */
export interface Stretch {
  readonly seconds: number
  readonly cpuMs: number
  /** That its core was given to others meanwhile, which is not its fault. */
  readonly disturbedMs: number
  readonly loop: LoopTimes
  readonly waits: Waits
}

export interface DeepRound {
  readonly before: Stretch
  readonly during: Stretch
  readonly resumed: Resumed
  readonly account: Account
  /** What was published to the end of the round. */
  readonly published: number
}

interface Rig {
  readonly gateway: ProbedGateway
  readonly bystander: Child<Bystander>
  readonly reader: Child<DeepReader>
  readonly producer: NumberedProducer
  readonly source: NumberedSource
  readonly target: WireTarget
  readonly signal: AbortSignal
}

const symbols = 300
/** Older than any session may go back without the scope `history`. */
const ageMs = 7_200_000
const beforeSeconds = 5
const lingerMs = 5
const patienceMs = 30_000

async function measure(load: DeepResumeArguments, bench: Bench): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const urgency = findUrgency()
  const { stack, signal, say } = bench
  const topics = await ground.createTopics(partitions)
  const producer = await NumberedProducer.start(ground.brokers, topics)
  stack.defer(() => producer.stop())
  say(`publishing ${load.events} events`)
  const source = new NumberedSource(symbols)
  await producer.publishBacklog(source, { events: load.events, ageMs }, signal)
  say('starting the gateway')
  const { brokers, cores } = ground
  const gateway = await ProbedGateway.start({ brokers, topics, cores, profile: undefined, settings }, bench)
  const bystander = new Child<Bystander>('bystander', urgency.command(program('bystander.ts')))
  stack.defer(() => bystander.stop())
  const reader = new Child<DeepReader>('reader', program('deep-resume/reader.ts'))
  stack.defer(() => reader.stop())
  const { host, port } = gateway.process
  const token = await mintTestToken({ scopes: ['stream', 'history'], lifetimeS: 7200 })
  await bystander.call('open', `ws://${host}:${port}/v1/stream`, token)
  const target = { host, port, isSecure: false, token }
  const rounds = await runRounds({ gateway, bystander, reader, producer, source, target, signal }, load, say)
  const machine = [...ground.machine, `bystander ${urgency.description}`]
  return { text: renderDeepResume({ machine, load, rounds }), figures: { machine, load, rounds } }
}

const settings = {
  // The bystander's pings are messages.
  TICKER_MESSAGES_PER_SECOND: '100000',
  TICKER_MAX_UNSENT_BYTES: '4194304',
} as const

async function runRounds(
  rig: Rig,
  load: DeepResumeArguments,
  say: (what: string) => void,
): Promise<DeepRound[]> {
  const { reader, target } = rig
  const acknowledged = await reader.call('watch', target, symbols, load.watchers)
  const origin = acknowledged.map(run => ({ ...run, positions: run.positions.replaceAll(/\w+/g, '0') }))
  const rounds: DeepRound[] = []
  for (let round = 1; round <= load.rounds; round++) {
    say(`round ${round} of ${load.rounds}`)
    const isLast = round === load.rounds
    rounds.push(await runRound(rig, origin, { ...load, profile: isLast ? load.profile : undefined }))
  }
  return rounds
}

async function runRound(
  rig: Rig,
  origin: readonly object[],
  { live, profile }: DeepResumeArguments,
): Promise<DeepRound> {
  const { reader, producer, source, target, gateway, signal } = rig
  const ending = new AbortController()
  const publishing = producer.publishPaced(
    source,
    { perSecond: live, lingerMs },
    AbortSignal.any([ending.signal, signal]),
  )
  const [before] = await stretch(rig, () => pause(beforeSeconds * 1000, undefined, { signal }))
  if (profile !== undefined) await gateway.ask('profile')
  const [during, resumed] = await stretch(rig, () => reader.call('resume', target, symbols, origin))
  if (profile !== undefined) await writeFile(profile, JSON.stringify(await gateway.ask('profile')))
  ending.abort()
  await publishing
  const account = await reader.call('account', source.totals, patienceMs)
  return { before, during, resumed, account, published: source.events }
}

async function stretch<T>(
  { gateway, bystander }: Rig,
  work: () => Promise<T>,
): Promise<readonly [Stretch, T]> {
  await gateway.ask('loop')
  await bystander.call('begin')
  const { pid } = gateway.process
  const [begunMs, cpuUs, waitedMs] = [performance.now(), processCpuUs(pid), mainThreadWaitMs(pid)]
  const result = await work()
  const seconds = (performance.now() - begunMs) / 1000
  const cpuMs = (processCpuUs(pid) - cpuUs) / 1000
  const disturbedMs = mainThreadWaitMs(pid) - waitedMs
  const waits = await bystander.call('waits')
  return [{ seconds, cpuMs, disturbedMs, loop: await gateway.ask('loop'), waits }, result]
}
