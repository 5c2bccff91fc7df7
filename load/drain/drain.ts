import { Child } from '../child-calls.ts'
import { percent, showSpread } from '../figures.ts'
import { startGround } from '../ground.ts'
import { preload } from '../preload.ts'
import { program } from '../program.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { spreadsOf } from '../statistics.ts'
import { renderTable } from '../table.ts'
import { meanValueBytes, readTapeRecords, type TapeRecords } from '../tape-records.ts'
import { type DrainArguments, drainUsage, parseDrainArguments } from './arguments.ts'
import type { GroupReader } from './group-reader.ts'
import type { LogReader } from './log-reader.ts'
import type { Drained } from './stopwatch.ts'

/** How fast a backlog is read. */
export const drain: Scenario = {
  name: 'drain',
  summary: 'how fast a starting gateway reads a backlog, beside kafkajs’ consumer group',
  usage: drainUsage,
  prepare(args) {
    const load = parseDrainArguments(args)
    return { json: load.json, measure: bench => measure(load, bench) }
  },
}

/** Every way to read, in the order of the table. */
const ways = {
  tail: 'the log alone: `EventLog.tail`',
  messages: 'kafkajs: `eachBatch` alone',
  ingest: 'the log and ingest: checked, encoded, marked',
  parsed: 'kafkajs: `eachBatch` and `JSON.parse`',
} as const

type Way = keyof typeof ways

type Round = Readonly<Record<Way, Drained>>

async function measure(load: DrainArguments, bench: Bench): Promise<Outcome> {
  const { brokers, cores, machine, ...ground } = await startGround(load.kafka, bench)
  const topics = await ground.createTopics(load.partitions)
  const tape = await readTapeRecords()
  bench.say(`filling topics with ${load.events} events`)
  await preload({ ...load, brokers, topics, records: tape.records }, bench)
  const log = new Child<LogReader>('reader', cores.server(program('drain/log-reader.ts')))
  bench.stack.defer(() => log.stop())
  const group = new Child<GroupReader>('kafkajs', cores.server(program('drain/group-reader.ts')))
  bench.stack.defer(() => group.stop())
  const { events: expected, compression } = load
  const backlog = { brokers, topics: Object.values(topics), expected, compression }
  const readers: Readonly<Record<Way, () => Promise<Drained>>> = {
    tail: () => log.call('tail', brokers, topics, expected),
    messages: () => group.call('messages', backlog),
    ingest: () => log.call('ingest', brokers, topics, expected),
    parsed: () => group.call('parsed', backlog),
  }
  const rounds: Round[] = []
  for (let round = 0; round <= load.rounds; round++) {
    const read = await readInTurn(readers, way =>
      bench.say(`${round === 0 ? 'warm-up' : `round ${round} of ${load.rounds}`}: ${way}`),
    )
    bench.signal.throwIfAborted()
    if (round > 0) rounds.push(read)
  }
  return { text: render({ machine, load, tape, rounds }), figures: { machine, load, rounds } }
}

async function readInTurn(
  { tail, messages, ingest, parsed }: Readonly<Record<Way, () => Promise<Drained>>>,
  say: (way: string) => void,
): Promise<Round> {
  const one = async (way: Way, read: () => Promise<Drained>): Promise<Drained> => {
    say(ways[way])
    return await read()
  }
  return {
    tail: await one('tail', tail),
    messages: await one('messages', messages),
    ingest: await one('ingest', ingest),
    parsed: await one('parsed', parsed),
  }
}

interface Report {
  readonly machine: readonly string[]
  readonly load: DrainArguments
  readonly tape: TapeRecords
  readonly rounds: readonly Round[]
}

function render({ machine, load, tape, rounds }: Report): string {
  const head = ['reader', 'events/s', 'CPU, µs an event', 'of its core', 'ms to the first event']
  const rows = (['tail', 'messages', 'ingest', 'parsed'] as const).map(way => {
    const spread = spreadsOf(rounds.map(round => figuresOf(round[way])))
    return [
      ways[way],
      showSpread(spread.perSecond, 0),
      showSpread(spread.cpuUs, 2),
      percent(spread.share.median),
      showSpread(spread.toFirstMs, 0),
    ]
  })
  const ratios = spreadsOf(rounds.map(ratiosOf))
  const ratioRows = [
    ['`tail` ÷ `eachBatch` alone', showSpread(ratios.read, 2), showSpread(ratios.readCpu, 2)],
    ['with ingest ÷ with `JSON.parse`', showSpread(ratios.whole, 2), showSpread(ratios.wholeCpu, 2)],
  ]
  return `${machine.join('; ')}. ${rounds.length} round${rounds.length === 1 ? '' : 's'} after a warm-up; median (lowest–highest round).
${load.events} events of ${tape.description}, ${meanValueBytes(tape).toFixed(0)} B of JSON on average, batches of ${load.batchRecords}, compression ${load.compression}, ${load.partitions} partitions a topic.

${renderTable(head, rows)}
${renderTable(['the gateway ÷ kafkajs', 'events/s', 'CPU an event'], ratioRows)}
Rates and CPU from the first events to the last; CPU of all threads of the reading process. Broker and reader have a core each.
`
}

function figuresOf({ counted, seconds, cpuUs, toFirstMs }: Drained) {
  return { perSecond: counted / seconds, cpuUs: cpuUs / counted, share: cpuUs / (seconds * 1e6), toFirstMs }
}

function ratiosOf(round: Round) {
  const [tail, messages] = [figuresOf(round.tail), figuresOf(round.messages)]
  const [ingest, parsed] = [figuresOf(round.ingest), figuresOf(round.parsed)]
  return {
    read: tail.perSecond / messages.perSecond,
    readCpu: tail.cpuUs / messages.cpuUs,
    whole: ingest.perSecond / parsed.perSecond,
    wholeCpu: ingest.cpuUs / parsed.cpuUs,
  }
}
