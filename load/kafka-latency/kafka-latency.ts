import { Child } from '../child-calls.ts'
import { partitions } from '../event-source.ts'
import { type Ground, startGround } from '../ground.ts'
import { ProduceConnection } from '../produce-connection.ts'
import { program } from '../program.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { type KafkaLatencyArguments, kafkaLatencyUsage, parseKafkaLatencyArguments } from './arguments.ts'
import { FastProducer } from './fast-producer.ts'
import type { LatencyHandler } from './handler.ts'
import { type LatencyPhase, type LatencyRig, measureLatency } from './latency-phase.ts'
import { renderLatency } from './report.ts'

/** From Kafka to a handler in the gateway's process. */
export const kafkaLatency: Scenario = {
  name: 'kafka-latency',
  summary: 'from a request to Kafka to a handler behind ingest: p50, p99, the highest sustained rate',
  usage: kafkaLatencyUsage,
  prepare(args) {
    const load = parseKafkaLatencyArguments(args)
    return { json: load.json, measure: bench => measure(load, bench) }
  },
}

/** Every rate once, and the rates of the search until one was not sustained. */
export interface LatencyRound {
  readonly rates: readonly LatencyPhase[]
  readonly search: readonly LatencyPhase[]
}

const warmUp = { perSecond: 20_000, seconds: 4 } as const
/** From one rate of the search to the next. */
const searchFactor = 1.25

async function measure(load: KafkaLatencyArguments, bench: Bench): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const rig = await open(ground, bench)
  bench.say('warm-up')
  await measureLatency(rig, warmUp)
  const rounds: LatencyRound[] = []
  for (let round = 1; round <= load.rounds; round++) {
    const say = (perSecond: number): void =>
      bench.say(`round ${round} of ${load.rounds}: ${perSecond} events/s`)
    rounds.push(await measureRound(rig, load, say))
  }
  const { machine } = ground
  return { text: renderLatency({ machine, load, rounds }), figures: { machine, load, rounds } }
}

async function open({ brokers, cores, createTopics }: Ground, { stack, signal }: Bench): Promise<LatencyRig> {
  const topics = await createTopics(partitions)
  const handler = new Child<LatencyHandler>('handler', cores.server(program('kafka-latency/handler.ts')))
  stack.defer(() => handler.stop())
  await handler.call('open', brokers, topics)
  const producer = new FastProducer(await ProduceConnection.open(brokers), topics)
  stack.defer(() => producer.stop())
  return { producer, handler, others: cores.others, signal }
}

async function measureRound(
  rig: LatencyRig,
  { rates, seconds, most }: KafkaLatencyArguments,
  say: (perSecond: number) => void,
): Promise<LatencyRound> {
  const one = (perSecond: number): Promise<LatencyPhase> => {
    say(perSecond)
    return measureLatency(rig, { perSecond, seconds })
  }
  const measured: LatencyPhase[] = []
  for (const rate of rates) measured.push(await one(rate))
  const search: LatencyPhase[] = []
  for (let rate = Math.max(...rates) * searchFactor; rate <= most; rate *= searchFactor) {
    const phase = await one(Math.round(rate / 1000) * 1000)
    search.push(phase)
    if (!phase.isSustained) break
  }
  return { rates: measured, search }
}
