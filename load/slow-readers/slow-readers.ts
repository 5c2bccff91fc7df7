import { startGround } from '../ground.ts'
import { type KafkaTotals, readKafkaTotals } from '../kafka-totals.ts'
import { NumberedProducer } from '../numbered-producer.ts'
import { NumberedSource, partitions, type Totals } from '../numbered-source.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { parseSlowReadersArguments, type SlowReadersArguments, slowReadersUsage } from './arguments.ts'
import { renderSlowReaders } from './report.ts'
import { type Rig, type Run, runOnce } from './round.ts'

/** Readers that stop, and read again. */
export const slowReaders: Scenario = {
  name: 'slow-readers',
  summary: 'half of the readers stop and read again: what it costs the others, memory, completeness',
  usage: slowReadersUsage,
  prepare(args) {
    const load = parseSlowReadersArguments(args)
    return { json: load.json, measure: bench => measure(load, bench) }
  },
}

/** The same run, without stops and with them. */
export interface SlowRound {
  readonly control: Run
  readonly stops: Run
}

/** Whether what the producer counted is what lies in Kafka, in this order. */
export interface Truth {
  readonly events: number
  readonly isAsPublished: boolean
}

const symbols = 300
/** As much as a gateway reads back at its start, so that the first one's memory is like the others'. */
const warmUp = { events: 80_000, ageMs: 0 } as const

async function measure(load: SlowReadersArguments, bench: Bench): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const topics = await ground.createTopics(partitions)
  const producer = await NumberedProducer.start(ground.brokers, topics)
  bench.stack.defer(() => producer.stop())
  const source = new NumberedSource(symbols)
  await producer.publishBacklog(source, warmUp, bench.signal)
  const rounds = await runRounds({ ground, topics, producer, source, bench }, load)
  bench.say('reading what Kafka holds')
  const truth = truthOf(source.totals, await readKafkaTotals(ground.brokers, topics, symbols))
  const { machine } = ground
  const figures = { machine, load, rounds, truth }
  return { text: renderSlowReaders(figures), figures }
}

async function runRounds(rig: Rig, load: SlowReadersArguments): Promise<SlowRound[]> {
  const rounds: SlowRound[] = []
  for (let round = 1; round <= load.rounds; round++) {
    const name = `round ${round} of ${load.rounds}`
    rig.bench.say(`${name}: nobody stops`)
    const control = await runOnce(rig, load, { stops: false, profile: undefined })
    rig.bench.say(`${name}: half of them stop`)
    const profile = round === load.rounds ? load.profile : undefined
    rounds.push({ control, stops: await runOnce(rig, load, { stops: true, profile }) })
  }
  return rounds
}

function truthOf(published: Totals, { totals, outOfOrder }: KafkaTotals): Truth {
  const isSame = (a: Uint32Array, b: Uint32Array) => a.every((total, index) => total === b[index])
  return {
    events: [...totals.trades, ...totals.quotes].reduce((sum, total) => sum + total, 0),
    isAsPublished:
      outOfOrder === 0 && isSame(published.trades, totals.trades) && isSame(published.quotes, totals.quotes),
  }
}
