import { areWhole, describeResults } from '../../clients/reader-results.ts'
import { NumberedProducer } from '../../kafka/numbered-producer.ts'
import { NumberedSource, partitions } from '../../kafka/numbered-source.ts'
import { type KafkaBench, measureRounds } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { comparisonTable, type Figure } from '../../lib/figure-tables.ts'
import { roundsOption } from '../../lib/options.ts'
import { kafkaScenario } from '../../lib/scenario.ts'
import { quantileOf, sumOf } from '../../lib/statistics.ts'
import type { NumberedReaders } from '../../processes/numbered-readers.ts'
import { ProbedGateway, profileFileOption, stretchFigures } from '../../processes/probed-gateway.ts'
import { runStorm, type Storm, type StormSetup, symbols } from './storm.ts'

/** Thousands of clients that come back at once. */
export const reconnect = kafkaScenario({
  name: 'reconnect',
  summary: '5,000 TLS clients cut off at once that come back with cursors, and without',
  details: '\nOpen files: each client takes one here and one in the gateway (ulimit -n).\n',
  options: {
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
  },
  async measure(options, bench) {
    const setup = await start(options.processes, bench)
    const rounds = await measureRounds(bench, options.rounds, async (own, isLast) => {
      own.say('without cursors')
      const without = await runStorm(setup, options, { hasCursors: false, profile: undefined })
      own.say('with cursors')
      const profile = isLast ? options.profile : undefined
      return { without, cursors: await runStorm(setup, options, { hasCursors: true, profile }) }
    })
    const { clients, wanted, rate, linger, seconds } = options
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
  TICKER_TLS_SELF_SIGNED: 'yes',
  TICKER_MAX_SESSIONS: '100000',
  TICKER_MAX_HANDSHAKES: '100000',
  // The clients' cores are not fast enough to have all handshakes done within the default of 10 s.
  TICKER_AUTH_TIMEOUT_MS: '60000',
} as const

async function start(processes: number, bench: KafkaBench): Promise<StormSetup> {
  const topics = await bench.createTopics(partitions)
  const source = new NumberedSource(symbols)
  const producer = await NumberedProducer.open(bench, topics, source)
  const gateway = await ProbedGateway.start({ topics, settings }, bench)
  const command = program('processes/numbered-readers.ts')
  const clients = Array.from({ length: processes }, (_, index) =>
    startChild<NumberedReaders>(bench.stack, `clients ${index + 1}`, command),
  )
  return { gateway, clients, producer, source, signal: bench.signal }
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

/** Of each client, in ms. */
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
