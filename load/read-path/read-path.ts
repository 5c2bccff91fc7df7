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
  readonly byFetch: KafkajsUs
  readonly byGroup: KafkajsUs
  readonly decoder: KafkajsUs
}

/** Before V8 has compiled everything an event costs three times as much. */
const warmUps = 3

async function measure(load: ReadPathArguments, bench: Bench): Promise<Outcome> {
  const ground = await startGround(load.kafka, bench)
  const tape = await readTapeRecords()
  const benches = []
  for (const compression of load.compressions) {
    benches.push({
      compression,
      readers: await open(compression, { load, ground, tape, bench }),
      rounds: new Array<ReadRound>(),
    })
  }
  for (let round = 1 - warmUps; round <= load.rounds; round++) {
    for (const { compression, readers, rounds } of benches) {
      bench.signal.throwIfAborted()
      bench.say(`${round < 1 ? 'warm-up' : `round ${round} of ${load.rounds}`}, ${compression}`)
      const read = await readOnce(readers)
      if (round >= 1) rounds.push(read)
    }
  }
  const cases = benches.map(({ compression, rounds }) => ({
    compression,
    summary: summaryOf(rounds),
    rounds,
  }))
  const { machine } = ground
  return { text: renderReadPath({ machine, load, tape, cases }), figures: { machine, load, cases } }
}

interface Readers {
  readonly topics: Topics
  readonly events: number
  readonly ours: Child<GatewayReader>
  readonly kafkajs: Child<KafkajsReader>
}

interface Opening {
  readonly load: ReadPathArguments
  readonly ground: Ground
  readonly tape: TapeRecords
  readonly bench: Bench
}

/** Topics with the events, and a process for each client: what the one does with its heap and compiler is not the other's. */
async function open(compression: Compression, { load, ground, tape, bench }: Opening): Promise<Readers> {
  const { brokers, cores } = ground
  const { events, batchRecords, profile } = load
  const topics = await ground.createTopics(1)
  bench.say(`filling topics, ${compression}`)
  await preload(
    { brokers, topics, partitions: 1, records: tape.records, events, batchRecords, compression },
    bench,
  )
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const ours = new Child<GatewayReader>(
    'reader',
    cores.server(program('read-path/gateway-reader.ts', profiling)),
  )
  bench.stack.defer(() => ours.end())
  const kafkajs = new Child<KafkajsReader>('kafkajs', cores.server(program('read-path/kafkajs-reader.ts')))
  bench.stack.defer(() => kafkajs.stop())
  await ours.call('open', brokers, topics)
  await kafkajs.call('open', brokers, topics, compression)
  return { topics, events, ours, kafkajs }
}

async function readOnce({ ours, kafkajs, topics, events }: Readers): Promise<ReadRound> {
  const round = {
    ours: await ours.call('read'),
    byFetch: await kafkajs.call('readByFetch'),
    byGroup: await kafkajs.call('readByGroup', Object.values(topics), events),
    decoder: await kafkajs.call('decodeHeld'),
  }
  for (const [way, { events: read }] of Object.entries(round)) {
    if (read !== events) throw new Error(`${way}: ${read} events were read instead of ${events}`)
  }
  return round
}
