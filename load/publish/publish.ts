import { mintTestToken } from '../../test/support/gateway.ts'
import { Child } from '../child-calls.ts'
import { processCpuUs } from '../cpu-clock.ts'
import { GatewayProcess } from '../gateway-process.ts'
import { type Ground, startGround } from '../ground.ts'
import { hottestFunctions } from '../profile.ts'
import { program } from '../program.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { readTapeRecords } from '../tape-records.ts'
import { type PublishArguments, parsePublishArguments, publishUsage } from './arguments.ts'
import type { KafkajsPublisher } from './kafkajs-publisher.ts'
import { post, type Published } from './posting.ts'
import { renderPublish } from './report.ts'
import { publishSettings } from './settings.ts'

/** Publishing by HTTP, beside producing directly. */
export const publish: Scenario = {
  name: 'publish',
  summary: 'POST /v1/events: requests/s, latency, server CPU, beside kafkajs that produces directly',
  usage: publishUsage,
  prepare(args) {
    const load = parsePublishArguments(args)
    const { profile, json } = load
    return {
      json,
      measure: bench => measure(load, bench),
      ...(profile === undefined ? {} : { afterwards: () => hottestFunctions(profile) }),
    }
  },
}

/** One phase, with the CPU of the process that published. */
export interface PublishPhase extends Published {
  readonly cpuUs: number
}

export interface PublishRound {
  readonly gateway: PublishPhase
  readonly kafkajs: PublishPhase
}

const partitions = 4
const warmUpSeconds = 2

async function measure(load: PublishArguments, bench: Bench): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const publishers = await open(load, ground, bench)
  for (const size of load.sizes) {
    bench.say(`warm-up: ${size} events a request`)
    await publishOnce(publishers, { ...load, size, seconds: load.seconds === 1 ? 1 : warmUpSeconds })
  }
  const cases = load.sizes.map(size => ({ size, rounds: new Array<PublishRound>() }))
  for (let round = 1; round <= load.rounds; round++) {
    for (const { size, rounds } of cases) {
      bench.signal.throwIfAborted()
      bench.say(`round ${round} of ${load.rounds}: ${size} events a request`)
      rounds.push(await publishOnce(publishers, { ...load, size }))
    }
  }
  const { machine } = ground
  return { text: renderPublish({ machine, load, cases }), figures: { machine, load, cases } }
}

type Shape = Pick<PublishArguments, 'seconds' | 'connections'> & { readonly size: number }

interface Publishers {
  readonly gateway: (shape: Shape) => Promise<PublishPhase>
  readonly kafkajs: (shape: Shape) => Promise<PublishPhase>
}

async function open(load: PublishArguments, ground: Ground, { stack, say }: Bench): Promise<Publishers> {
  const { brokers, cores } = ground
  const topics = await ground.createTopics(partitions)
  say('starting the gateway')
  const { profile } = load
  const gateway = await GatewayProcess.start({ brokers, topics, cores, profile, settings: publishSettings })
  stack.defer(() => gateway.stop())
  const kafkajs = new Child<KafkajsPublisher>(
    'kafkajs',
    cores.server(program('publish/kafkajs-publisher.ts')),
  )
  stack.defer(() => kafkajs.stop())
  await kafkajs.call('open', brokers, topics)
  const { records } = await readTapeRecords()
  const token = await mintTestToken({ scopes: ['publish'], lifetimeS: 7200 })
  const url = `http://${gateway.host}:${gateway.port}/v1/events`
  return {
    gateway: ({ size, seconds, connections }) =>
      metered(gateway.pid, () => post({ url, token, records, size, seconds, connections })),
    kafkajs: ({ size, seconds, connections: concurrent }) =>
      metered(kafkajs.pid, () => kafkajs.call('publish', { size, seconds, concurrent })),
  }
}

async function publishOnce({ gateway, kafkajs }: Publishers, shape: Shape): Promise<PublishRound> {
  return { gateway: await gateway(shape), kafkajs: await kafkajs(shape) }
}

async function metered(pid: number, work: () => Promise<Published>): Promise<PublishPhase> {
  const before = processCpuUs(pid)
  const published = await work()
  return { ...published, cpuUs: processCpuUs(pid) - before }
}
