import { setTimeout as pause } from 'node:timers/promises'
import { NumberedReader } from '../clients/numbered-reader.ts'
import { areWhole, describeResults } from '../clients/reader-results.ts'
import { NumberedProducer } from '../kafka/numbered-producer.ts'
import { type KafkaBench, measureRounds } from '../lib/bench.ts'
import { type Child, program, startChild } from '../lib/child.ts'
import { comparisonTable, type Figure } from '../lib/figure-tables.ts'
import { symbolOf } from '../lib/generated-events.ts'
import { roundsOption, type Values } from '../lib/options.ts'
import { kafkaScenario } from '../lib/scenario.ts'
import { quantileOf, sumOf } from '../lib/statistics.ts'
import type { NumberedReaders, ReaderSpec } from '../processes/numbered-readers.ts'
import {
  startProbedGateway,
  type ProbedGateway,
  profileFileOption,
  stretchFigures,
} from '../processes/probed-gateway.ts'

const symbols = 300

const options = {
  rounds: roundsOption(3),
  clients: {
    help: 'TLS connections, each with a list of its own',
    default: 5000,
    quick: 300,
    most: 100_000,
  },
  processes: { help: 'processes that hold them', default: 2, most: 64 },
  wanted: {
    help: `of ${symbols} symbols, how many each client wants, trades and quotes`,
    default: 20,
    most: symbols,
  },
  rate: { help: 'events per second', default: 1000, most: 100_000 },
  linger: { help: 'ms that events gather at the producer', default: 250, most: 10_000 },
  seconds: {
    help: 'age of the cursors, in seconds',
    default: 30,
    quick: 5,
    least: 5,
    most: 600,
  },
  profile: profileFileOption,
} as const

type StormOptions = Values<typeof options>

export const reconnect = kafkaScenario({
  name: 'reconnect',
  summary: '5,000 TLS clients cut off at once that come back with cursors, and without',
  details: '\nOpen files: each client takes one here and one in the gateway (ulimit -n).\n',
  options,
  async measure(values, bench) {
    const setup = await start(values.processes, bench)
    const rounds = await measureRounds(bench, values.rounds, async (own, isLast) => {
      own.say('without cursors')
      const without = await runStorm(setup, values, { hasCursors: false, profile: undefined })
      own.say('with cursors')
      const profile = isLast ? values.profile : undefined
      return { without, cursors: await runStorm(setup, values, { hasCursors: true, profile }) }
    })
    const { clients, wanted, rate, linger, seconds } = values
    const sides = [
      ['without cursors', (round: ReconnectRound) => round.without],
      ['with cursors', (round: ReconnectRound) => round.cursors],
    ] as const
    return {
      notes: [
        `${clients} TLS clients with ${wanted} of ${symbols} symbols each (trades and quotes),`,
        `${rate} events/s that gather for ${linger} ms, cut off at once; cursors are ${seconds} s old.`,
      ],
      parts: [
        comparisonTable('From the cut until all are back', { rounds, sides }, stormFigures),
        { kind: 'text', text: rounds.map(describeRound).join('\n') },
        { kind: 'text', text: rounds.flatMap(describeReasons).join('\n') },
      ],
      figures: { rounds },
      failures: rounds.flatMap(failuresOf),
    }
  },
})

/** The same, without cursors and with them. */
interface ReconnectRound {
  readonly without: Storm
  readonly cursors: Storm
}

const settings = {
  TICKER_MAX_SESSIONS: '100000',
  TICKER_MAX_HANDSHAKES: '100000',
  // The clients' cores are not fast enough to have all handshakes done within the default of 10 s.
  TICKER_AUTH_TIMEOUT_MS: '60000',
} as const

/** What the storms have in common. */
type StormSetup = Awaited<ReturnType<typeof start>>

async function start(processes: number, bench: KafkaBench) {
  const producer = await NumberedProducer.open(bench, symbols)
  const { topics } = producer
  const gateway = await startProbedGateway({ topics, tls: true, settings }, bench)
  const command = program('processes/numbered-readers.ts')
  const clients = Array.from({ length: processes }, (_, index) =>
    startChild<NumberedReaders>(bench.stack, `clients ${index + 1}`, command),
  )
  return { gateway, clients, producer, signal: bench.signal }
}

const mebibyte = 2 ** 20

const stormFigures: readonly Figure<Storm>[] = [
  ['all acknowledged, s', storm => latest(storm, 'acknowledgedMs') / 1000, 1],
  ['half have everything, s', storm => quantileOf(recoveryTimes(storm), 0.5) / 1000, 1],
  ['all have everything, s', storm => latest(storm, 'recoveredMs') / 1000, 1],
  ['events received until then', ({ arrivals }) => sumOf(arrivals, ({ events }) => events), 0],
  [
    'connections tried again',
    ({ arrivals }) => sumOf(arrivals, ({ retries }) => sumOf(Object.values(retries), count => count)),
    0,
  ],
  ['gateway CPU, s', ({ during }) => during.cpuMs / 1000, 2],
  ['gateway CPU, ms a client', storm => storm.during.cpuMs / recoveryTimes(storm).length, 2],
  ['control subscriber before the cut, p99 ms', ({ before }) => before.roundTrips.p99Ms, 1],
  ...stretchFigures.map(
    ([name, read, digits]): Figure<Storm> => [name, ({ during }) => read(during), digits],
  ),
  ['RSS before the cut, MiB', ({ memory }) => memory[0].rss / mebibyte, 0],
  ['RSS, highest, MiB', ({ during }) => during.peakRss / mebibyte, 0],
  [
    'heap and buffers when all have left, MiB',
    ({ memory: [, { heapUsed, external }] }) => (heapUsed + external) / mebibyte,
    0,
  ],
]

function latest({ arrivals }: Storm, time: 'acknowledgedMs' | 'recoveredMs'): number {
  return Math.max(...arrivals.map(one => quantileOf(one[time], 1)))
}

function recoveryTimes({ arrivals }: Storm): number[] {
  return arrivals.flatMap(({ recoveredMs }) => [...recoveredMs])
}

function describeRound({ without, cursors }: ReconnectRound, index: number): string {
  return `Round ${index + 1}: without cursors ${describeStorm(without)}; with ${describeStorm(cursors)}.`
}

function describeStorm({ results, arrivals }: Storm): string {
  return `${describeResults(results)}, ${notRecovered(arrivals)} not recovered`
}

function notRecovered(arrivals: Storm['arrivals']): number {
  return sumOf(arrivals, arrival => arrival.notRecovered)
}

function describeReasons({ without, cursors }: ReconnectRound): string[] {
  const all = [...without.arrivals, ...cursors.arrivals].flatMap(({ retries }) => Object.entries(retries))
  return all.map(([reason, count]) => `Tried again ${count} times: ${reason}`)
}

function failuresOf({ without, cursors }: ReconnectRound, index: number): string[] {
  return [without, cursors]
    .filter(({ results, arrivals }) => !areWhole(results) || notRecovered(arrivals) > 0)
    .map(storm => `round ${index + 1}: not every client has all its events: ${describeStorm(storm)}`)
}

/** All clients cut off at once, and back. */
type Storm = Awaited<ReturnType<typeof runStorm>>

const beforeSeconds = 5
/** In this time, events that were sent are read. */
const quietMs = 1000
const resultTimeoutMs = 60_000
/** Prime to the number of symbols: lists of neighbours differ. */
const listStep = 7

/** Connects all, cuts them off, lets them come back, with cursors or without, and checks all events. */
async function runStorm(
  { gateway, clients, producer, signal }: StormSetup,
  values: StormOptions,
  { hasCursors, profile }: { readonly hasCursors: boolean; readonly profile: string | undefined },
) {
  const all = Array.from({ length: values.clients }, (_, client) => specOf(client, values.wanted))
  await each(clients, all, (child, specs) => child.call('open', gateway.target, symbols, specs))
  const bookmark = await bookmarkOf(gateway, producer.source)
  const endPublishing = producer.start({ perSecond: values.rate, lingerMs: values.linger }, signal)
  await pause((values.seconds - beforeSeconds) * 1000, undefined, { signal })
  const [before] = await gateway.during(() => pause(beforeSeconds * 1000, undefined, { signal }))
  const memoryBefore = await gateway.ask('memory')
  const returning = hasCursors ? all.map(spec => resumed(spec, bookmark)) : all
  const [during, arrivals] = await gateway.profiled(profile, () =>
    gateway.during(async () => {
      await each(clients, all, child => child.call('cut'))
      return await each(clients, returning, (child, specs) => child.call('arrive', specs))
    }),
  )
  await endPublishing()
  const results = await each(clients, all, child =>
    child.call('results', producer.source.totals, resultTimeoutMs),
  )
  // After a collection, before the cut and when all have left.
  const memory = [memoryBefore, await gateway.ask('memory')] as const
  return { before, during, memory, arrivals, results: results.flat() }
}

/** Calls every process, with its share of the readers. */
function each<Result>(
  children: StormSetup['clients'],
  specs: readonly ReaderSpec[],
  call: (child: Child<NumberedReaders>, own: readonly ReaderSpec[]) => Promise<Result>,
): Promise<Result[]> {
  const share = Math.ceil(specs.length / children.length)
  return Promise.all(
    children.map((child, index) => call(child, specs.slice(index * share, (index + 1) * share))),
  )
}

/** The positions of the feed while nothing is published, and what has been published until then. */
async function bookmarkOf({ target }: ProbedGateway, source: NumberedProducer['source']) {
  await pause(quietMs)
  const fixed = { symbols, begins: {}, looks: 'at frames', buffer: Buffer.alloc(65_536) } as const
  const reader = new NumberedReader({ ...fixed, target, subscribe: { trades: ['*'] } })
  const { partitions } = await reader.acknowledged
  reader.cut()
  return { partitions, totals: structuredClone(source.totals) }
}

/** A reader of a list that hardly any other client has. */
function specOf(client: number, wanted: number): ReaderSpec {
  const step = listStep + 2 * (Math.floor(client / symbols) % 50) * 3
  const list = new Set<number>()
  for (let at = client; list.size < wanted; at += step) {
    let free = at % symbols
    while (list.has(free)) free = (free + 1) % symbols
    list.add(free)
  }
  const names = [...list].map(symbolOf)
  const subscribe = { trades: names, quotes: names }
  return { kind: 'plain', subscribe, begins: {}, looks: 'at events', wanted: [...list] }
}

/** The same with a cursor: its first trades have to follow those of the bookmark. */
function resumed(
  spec: ReaderSpec,
  { partitions, totals }: Awaited<ReturnType<typeof bookmarkOf>>,
): ReaderSpec {
  const subscribe = { ...spec.subscribe, cursor: { version: 1, partitions } }
  return { ...spec, subscribe, begins: { trades: totals.trades } }
}
