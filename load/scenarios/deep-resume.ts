import { setTimeout as pause } from 'node:timers/promises'
import { areWhole, describeResults } from '../clients/reader-results.ts'
import { NumberedProducer } from '../kafka/numbered-producer.ts'
import { noTotals } from '../kafka/numbered-source.ts'
import { type KafkaBench, measureRounds } from '../lib/bench.ts'
import { program, startChild } from '../lib/child.ts'
import { comparisonTable, type Figure, figureTable } from '../lib/figure-tables.ts'
import { roundsOption } from '../lib/options.ts'
import { kafkaScenario } from '../lib/scenario.ts'
import { sumOf } from '../lib/statistics.ts'
import type { NumberedReaders } from '../processes/numbered-readers.ts'
import {
  startProbedGateway,
  profileFileOption,
  type Stretch,
  stretchFigures,
} from '../processes/probed-gateway.ts'

export const deepResume = kafkaScenario({
  name: 'deep-resume',
  summary: 'a resume 2 million events back in Kafka: complete, its pace, the pauses of the event loop',
  options: {
    rounds: roundsOption(3),
    events: {
      help: 'events that each resume goes back',
      default: 2_000_000,
      quick: 200_000,
      most: 100_000_000,
    },
    live: {
      help: 'events per second that are published meanwhile',
      default: 1000,
      most: 100_000,
    },
    watchers: { help: 'live subscribers of everything', default: 50, most: 10_000 },
    profile: profileFileOption,
  },
  async measure({ rounds: count, events, live, watchers, profile }, bench) {
    const setup = await start({ events, watchers }, bench)
    const rounds = await measureRounds(bench, count, (own, isLast) => {
      return measureRound(setup, { live, profile: isLast ? profile : undefined }, own)
    })
    return {
      notes: [
        `A reader of everything resumes ${events.toLocaleString('en-US')} events back, two hours old;`,
        `${live} events/s go on to ${watchers} live subscribers of everything.`,
      ],
      parts: [
        figureTable('The resume', rounds, resumeFigures),
        comparisonTable('The gateway meanwhile', { rounds, sides }, meanwhileFigures),
        { kind: 'text', text: rounds.map(describeRound).join('\n') },
      ],
      figures: { rounds },
      failures: rounds.flatMap(failuresOf),
    }
  },
})

type DeepRound = Awaited<ReturnType<typeof measureRound>>
type Setup = Awaited<ReturnType<typeof start>>

const symbols = 300
const everything = { trades: ['*'], quotes: ['*'], policy: { quotes: 'every' } }
/** Older than any session may go back without the scope `history`. */
const ageMs = 7_200_000
const beforeSeconds = 5
const lingerMs = 5
const resultTimeoutMs = 30_000

async function start(
  { events, watchers }: { readonly events: number; readonly watchers: number },
  bench: KafkaBench,
) {
  const producer = await NumberedProducer.open(bench, symbols)
  bench.say(`publishing ${events} events`)
  await producer.publishBacklog(events, ageMs, bench.signal)
  const gateway = await startProbedGateway({ topics: producer.topics, scopes: ['stream', 'history'] }, bench)
  const command = program('processes/numbered-readers.ts')
  const reader = startChild<NumberedReaders>(bench.stack, 'reader', command)
  const watcher = { kind: 'plain', subscribe: everything, begins: {}, looks: 'at frames' } as const
  const specs = Array.from({ length: watchers }, () => watcher)
  const current = await reader.call('open', gateway.target, symbols, specs)
  // A cursor at the first offset of every partition.
  const origin = current.map(run => ({ ...run, positions: run.positions.replaceAll(/\w+/g, '0') }))
  return { gateway, reader, producer, origin }
}

async function measureRound(
  { gateway, reader, producer, origin }: Setup,
  { live, profile }: { readonly live: number; readonly profile: string | undefined },
  { say, signal }: KafkaBench,
) {
  const endPublishing = producer.start({ perSecond: live, lingerMs }, signal)
  say('before')
  const [before] = await gateway.during(() => pause(beforeSeconds * 1000, undefined, { signal }))
  say('the resume')
  const subscribe = { ...everything, cursor: { version: 1, partitions: origin } }
  const resuming = { kind: 'plain', subscribe, begins: noTotals(symbols), looks: 'at events' } as const
  const [during, resumed] = await gateway.profiled(profile, () =>
    gateway.during(() => reader.call('arrive', [resuming])),
  )
  await endPublishing()
  const results = await reader.call('results', producer.source.totals, resultTimeoutMs)
  return { before, during, resumed, results, published: producer.source.events }
}

const resumeFigures: readonly Figure<DeepRound>[] = [
  ['seconds until `resumed`', round => resumeMs(round) / 1000, 1],
  ['ms to the first event', ({ resumed }) => first(resumed.firstMs) - first(resumed.requestedMs), 0],
  ['events received until then', ({ resumed }) => resumed.events, 0],
  ['events/s', round => (round.resumed.events * 1000) / resumeMs(round), 0],
  ['MB/s', round => round.resumed.bytes / 1000 / resumeMs(round), 0],
  [
    'gateway CPU, live events included, µs an event',
    ({ during, resumed }) => (during.cpuMs * 1000) / resumed.events,
    2,
  ],
  ['of the reader’s core, used by it', round => round.resumed.cpuMs / resumeMs(round), 2],
]

/** From the request to `resumed`. */
function resumeMs({ resumed }: DeepRound): number {
  return first(resumed.recoveredMs) - first(resumed.requestedMs)
}

function first(values: Float64Array): number {
  return values[0] ?? Number.NaN
}

const sides = [
  ['before', (round: DeepRound) => round.before],
  ['during the resume', (round: DeepRound) => round.during],
] as const

const meanwhileFigures: readonly Figure<Stretch>[] = [
  ...stretchFigures,
  ['CPU, cores', ({ cpuMs, seconds }) => cpuMs / 1000 / seconds, 2],
]

function describeRound({ resumed, results, published }: DeepRound, index: number): string {
  const promise = resumed.notRecovered === 0 ? 'recovered' : 'NOT RECOVERED'
  return `Round ${index + 1}: ${promise}; ${describeResults(results)}; ${published} events were published.`
}

function failuresOf(round: DeepRound, index: number): string[] {
  const { resumed, results, published } = round
  const events = sumOf(results, ({ trades, quotes }) => trades + quotes)
  if (resumed.notRecovered === 0 && areWhole(results) && events === published) return []
  return [`the resume was not complete. ${describeRound(round, index)}`]
}
