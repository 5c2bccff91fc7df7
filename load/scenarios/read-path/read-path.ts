import type { Topics } from '../../../src/log/topics.ts'
import { type Compression, compressions } from '../../kafka/compression.ts'
import { preload } from '../../kafka/preload.ts'
import { meanValueBytes, readTapeRecords } from '../../kafka/tape-records.ts'
import { type KafkaBench, measureRounds } from '../../lib/bench.ts'
import { Child, program, startChild } from '../../lib/child.ts'
import { roundsOption } from '../../lib/options.ts'
import { kafkaScenario, profileOption } from '../../lib/scenario.ts'
import type { GatewayReader } from './gateway-reader.ts'
import type { KafkajsReader } from './kafkajs-reader.ts'
import { type ReadRound, readPathParts } from './read-path-report.ts'

export const readPath = kafkaScenario({
  name: 'read-path',
  summary: 'CPU an event from Kafka to the feed, by stages, beside kafkajs on the same bytes',
  options: {
    rounds: roundsOption(5),
    events: { help: 'events in the topics', default: 250_000, quick: 50_000, most: 5_000_000 },
    batch: { help: 'records of each batch', default: 500, most: 2000 },
    compression: {
      help: 'of the batches',
      among: compressions,
      default: ['none', 'lz4'],
    },
    profile: profileOption,
  },
  async measure({ rounds: count, events, batch, compression: kinds, profile }, bench) {
    const tape = await readTapeRecords()
    const filled: { readonly compression: Compression; readonly topics: Topics }[] = []
    for (const compression of kinds) {
      const topics = await bench.createTopics(1)
      bench.say(`filling topics, ${compression}`)
      const content = { records: tape.records, events, batchRecords: batch, compression }
      await preload({ topics, partitions: 1, ...content }, bench)
      filled.push({ compression, topics })
    }
    const rounds = await measureRounds(bench, count, async own => {
      const cases: ReadCase[] = []
      for (const { compression, topics } of filled) {
        own.say(compression)
        cases.push({ compression, round: await measureRound({ compression, topics, events, profile }, own) })
      }
      return cases
    })
    const cases = [...Map.groupBy(rounds.flat(), ({ compression }) => compression)]
    return {
      notes: [
        `Events of ${tape.description}, ${meanValueBytes(tape).toFixed(0)} B of JSON on average;`,
        'each round in new processes and after a warm-up.',
        'CPU of all threads of the reading process, kernel included, µs an event.',
        'Sums of the stages that both do are compared; ratios are made within a round.',
        'kafkajs checks neither checksums nor UTF-8.',
      ],
      parts: cases.flatMap(([compression, ofKind]) => {
        return readPathParts(
          compression,
          ofKind.map(({ round }) => round),
        )
      }),
      figures: { rounds },
    }
  },
})

interface ReadCase {
  readonly compression: Compression
  readonly round: ReadRound
}

/** Before V8 has compiled everything an event costs three times as much. */
const warmUps = 3

interface Reading {
  readonly compression: Compression
  readonly topics: Topics
  readonly events: number
  readonly profile: string | undefined
}

/**
 * A round, in processes of its own, one for each client: compiled code differs from process to process by
 * more than from pass to pass (kafkajs' decoder: 0.40 or 0.69 µs).
 */
async function measureRound(
  { compression, topics, events, profile }: Reading,
  bench: KafkaBench,
): Promise<ReadRound> {
  const { brokers, cores, signal } = bench
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  await using stack = new AsyncDisposableStack()
  const reader = cores.server(program('scenarios/read-path/gateway-reader.ts', profiling))
  const ours = new Child<GatewayReader>('reader', reader)
  stack.defer(() => ours.end())
  const kafkajsReader = cores.server(program('scenarios/read-path/kafkajs-reader.ts'))
  const kafkajs = startChild<KafkajsReader>(stack, 'kafkajs', kafkajsReader)
  await ours.call('open', brokers, topics)
  await kafkajs.call('open', brokers, topics, compression)
  const readOnce = async (): Promise<ReadRound> => ({
    ours: await ours.call('read'),
    byFetch: await kafkajs.call('readByFetch'),
    byGroup: await kafkajs.call('readByGroup', Object.values(topics), events),
    decoder: await kafkajs.call('decodeHeld'),
    aside: await ours.call('readAside'),
  })
  for (let pass = 0; pass < warmUps; pass++) {
    signal.throwIfAborted()
    await readOnce()
  }
  const round = await readOnce()
  for (const [way, { events: read }] of Object.entries(round)) {
    if (read !== events) throw new Error(`${way}: ${read} events were read instead of ${events}`)
  }
  return round
}
