import type { Topics } from '../../src/log/topics.ts'
import { Child } from '../child-calls.ts'
import type { Compression } from '../compression.ts'
import { type Ground, startGround } from '../ground.ts'
import { preload } from '../preload.ts'
import { hottestFunctions } from '../profile.ts'
import { program } from '../program.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { readTapeRecords, type TapeRecords } from '../tape-records.ts'
import { parseReadPathArguments, type ReadPathArguments, readPathUsage } from './arguments.ts'
import type { GatewayReader, StagesUs } from './gateway-reader.ts'
import type { AsideStage } from './gateway-stages.ts'
import type { KafkajsReader, KafkajsUs } from './kafkajs-reader.ts'
import { renderReadPath } from './report.ts'
import { summaryOf } from './summary.ts'

/** The read path by its stages, beside kafkajs. */
export const readPath: Scenario = {
  name: 'read-path',
  summary: 'CPU an event from Kafka to the tape, by stages, beside kafkajs on the same bytes',
  usage: readPathUsage,
  prepare(args) {
    const load = parseReadPathArguments(args)
    const { profile, json } = load
    return {
      json,
      measure: bench => measure(load, bench),
      ...(profile === undefined ? {} : { afterwards: () => hottestFunctions(profile) }),
    }
  },
}

/** Every way to read, once. */
export interface ReadRound {
  readonly ours: StagesUs
  readonly aside: StagesUs<AsideStage>
  readonly byFetch: KafkajsUs
  readonly byGroup: KafkajsUs
  readonly decoder: KafkajsUs
}

/** Before V8 has compiled everything an event costs three times as much. */
const warmUps = 3

async function measure(load: ReadPathArguments, bench: Bench): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const tape = await readTapeRecords()
  const cases = []
  for (const compression of load.compressions) {
    const topics = await fillTopics(compression, { load, ground, tape, bench })
    cases.push({ compression, topics, rounds: new Array<ReadRound>() })
  }
  for (let round = 1; round <= load.rounds; round++) {
    for (const { compression, topics, rounds } of cases) {
      bench.say(`round ${round} of ${load.rounds}, ${compression}`)
      rounds.push(await readInTurn({ compression, topics, load, ground }, bench))
    }
  }
  const read = cases.map(({ compression, rounds }) => ({ compression, summary: summaryOf(rounds), rounds }))
  const { machine } = ground
  return {
    text: renderReadPath({ machine, load, tape, cases: read }),
    figures: { machine, load, cases: read },
  }
}

interface Filling {
  readonly load: ReadPathArguments
  readonly ground: Ground
  readonly tape: TapeRecords
  readonly bench: Bench
}

async function fillTopics(compression: Compression, { load, ground, tape, bench }: Filling): Promise<Topics> {
  const { events, batchRecords } = load
  const topics = await ground.createTopics(1)
  bench.say(`filling topics, ${compression}`)
  const { brokers } = ground
  await preload(
    { brokers, topics, partitions: 1, records: tape.records, events, batchRecords, compression },
    bench,
  )
  return topics
}

interface Reading {
  readonly compression: Compression
  readonly topics: Topics
  readonly load: ReadPathArguments
  readonly ground: Ground
}

/**
 * A round, in processes of its own, one for each client: what a compiler makes of the same code differs from process to
 * process by more than from pass to pass (kafkajs' decoder: 0.40 or 0.69 µs).
 */
async function readInTurn(reading: Reading, bench: Bench): Promise<ReadRound> {
  const { compression, topics, load, ground } = reading
  const { brokers, cores } = ground
  const profiling = load.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${load.profile}`]
  const reader = cores.server(program('read-path/gateway-reader.ts', profiling))
  await using stack = new AsyncDisposableStack()
  const ours = new Child<GatewayReader>('reader', reader)
  stack.defer(() => ours.end())
  const kafkajs = new Child<KafkajsReader>('kafkajs', cores.server(program('read-path/kafkajs-reader.ts')))
  stack.defer(() => kafkajs.stop())
  await ours.call('open', brokers, topics)
  await kafkajs.call('open', brokers, topics, compression)
  const readers = { ours, kafkajs, topics: Object.values(topics), events: load.events }
  for (let pass = 0; pass < warmUps; pass++) {
    bench.signal.throwIfAborted()
    await readOnce(readers)
  }
  return await readOnce(readers)
}

interface Readers {
  readonly ours: Child<GatewayReader>
  readonly kafkajs: Child<KafkajsReader>
  readonly topics: readonly string[]
  readonly events: number
}

async function readOnce({ ours, kafkajs, topics, events }: Readers): Promise<ReadRound> {
  const round = {
    ours: await ours.call('read'),
    byFetch: await kafkajs.call('readByFetch'),
    byGroup: await kafkajs.call('readByGroup', topics, events),
    decoder: await kafkajs.call('decodeHeld'),
    aside: await ours.call('readAside'),
  }
  for (const [way, { events: read }] of Object.entries(round)) {
    if (read !== events) throw new Error(`${way}: ${read} events were read instead of ${events}`)
  }
  return round
}
