import { compressions } from '../../kafka/compression.ts'
import { preload } from '../../kafka/preload.ts'
import { meanValueBytes, readTapeRecords } from '../../kafka/tape-records.ts'
import { type Bench, measureRounds } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { caseTable, type Figure } from '../../lib/figure-tables.ts'
import { roundsOption } from '../../lib/options.ts'
import { kafkaScenario } from '../../lib/scenario.ts'
import type { BacklogReader, Drained } from './backlog-reader.ts'

export const drain = kafkaScenario({
  name: 'drain',
  summary: 'how fast a starting gateway reads a backlog, beside kafkajs’ consumer group',
  options: {
    rounds: roundsOption(3),
    events: {
      help: 'events in the topics',
      default: 1_000_000,
      quick: 100_000,
      most: 5_000_000,
    },
    partitions: { help: 'partitions of each topic', default: 4, most: 100 },
    batch: { help: 'records of each batch', default: 500, most: 2000 },
    compression: { help: 'of the batches', among: compressions, default: 'none' },
  },
  async measure({ rounds: count, events, partitions, batch, compression }, bench) {
    const { brokers, cores, stack } = bench
    const topics = await bench.createTopics(partitions)
    const tape = await readTapeRecords()
    bench.say(`filling topics with ${events} events`)
    const { records } = tape
    await preload({ topics, partitions, records, events, batchRecords: batch, compression }, bench)
    const command = cores.server(program('scenarios/drain/backlog-reader.ts'))
    const ours = startChild<BacklogReader>(stack, 'reader', command)
    const kafkajs = startChild<BacklogReader>(stack, 'kafkajs', command)
    const backlog = { brokers, topics, events, compression }
    const readers: Readonly<Record<Way, () => Promise<Drained>>> = {
      tail: () => ours.call('tail', backlog),
      messages: () => kafkajs.call('messages', backlog),
      ingest: () => ours.call('ingest', backlog),
      parsed: () => kafkajs.call('parsed', backlog),
    }
    await readInTurn(readers, { ...bench, say: what => bench.say(`warm-up: ${what}`) })
    const rounds = await measureRounds(bench, count, own => readInTurn(readers, own))
    const ways = ['tail', 'messages', 'ingest', 'parsed'] as const
    const cases = ways.map(way => [[wayText[way]], rounds.map(round => round[way])] as const)
    const ratioCases = [
      [['`tail` ÷ `eachBatch` alone'], rounds.map(({ tail, messages }) => [tail, messages] as const)],
      [['with ingest ÷ with `JSON.parse`'], rounds.map(({ ingest, parsed }) => [ingest, parsed] as const)],
    ] as const
    return {
      notes: [
        `Events of ${tape.description}, ${meanValueBytes(tape).toFixed(0)} B on average, after a warm-up.`,
        'Rates and CPU from the first events to the last; CPU of all threads of the reading process.',
        'Broker and reader have a core each.',
      ],
      parts: [
        caseTable('Reading a backlog', { head: ['reader'], cases }, figures),
        caseTable('Ratios', { head: ['the gateway ÷ kafkajs'], cases: ratioCases }, ratios),
      ],
      figures: { rounds },
    }
  },
})

const wayText = {
  tail: 'the log alone: `EventLog.tail`',
  messages: 'kafkajs: `eachBatch` alone',
  ingest: 'the log and ingest: checked, encoded, marked',
  parsed: 'kafkajs: `eachBatch` and `JSON.parse`',
} as const

type Way = keyof typeof wayText

async function readInTurn(
  readers: Readonly<Record<Way, () => Promise<Drained>>>,
  { say, signal }: Bench,
): Promise<Readonly<Record<Way, Drained>>> {
  const read = async (way: Way): Promise<Drained> => {
    signal.throwIfAborted()
    say(wayText[way])
    return await readers[way]()
  }
  const [tail, messages] = [await read('tail'), await read('messages')]
  return { tail, messages, ingest: await read('ingest'), parsed: await read('parsed') }
}

function rateOf({ counted, seconds }: Drained): number {
  return counted / seconds
}

function cpuOf({ cpuUs, counted }: Drained): number {
  return cpuUs / counted
}

const figures: readonly Figure<Drained>[] = [
  ['events/s', rateOf, 0],
  ['CPU, µs an event', cpuOf, 2],
  ['of its core', ({ cpuUs, seconds }) => cpuUs / (seconds * 1e6), '%'],
  ['ms to the first event', ({ toFirstMs }) => toFirstMs, 0],
]

const ratios: readonly Figure<readonly [gateway: Drained, kafkajs: Drained]>[] = [
  ['events/s', ([gateway, kafkajs]) => rateOf(gateway) / rateOf(kafkajs), 2],
  ['CPU an event', ([gateway, kafkajs]) => cpuOf(gateway) / cpuOf(kafkajs), 2],
]
