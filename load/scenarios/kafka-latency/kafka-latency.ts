import { NumberedProducer, type Publishing } from '../../kafka/numbered-producer.ts'
import { type KafkaBench, measureRounds } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { caseTable, type Figure } from '../../lib/figure-tables.ts'
import { roundsOption } from '../../lib/options.ts'
import { watchCpu } from '../../lib/process-figures.ts'
import { kafkaScenario } from '../../lib/scenario.ts'
import { showSpread, spreadOf } from '../../lib/statistics.ts'
import type { Handled, LatencyHandler } from './handler.ts'

const searchHelp = 'events per second at which the search for the highest sustained rate ends'

export const kafkaLatency = kafkaScenario({
  name: 'kafka-latency',
  summary: 'from a request to Kafka to a handler behind ingest: p50, p99, the highest sustained rate',
  options: {
    rounds: roundsOption(3),
    seconds: { help: 'length of each phase, in seconds', default: 4, quick: 1, most: 60 },
    rate: { help: 'events per second', default: [10_000, 25_000], most: 1_000_000 },
    most: { help: searchHelp, default: 400_000, quick: 50_000, most: 1_000_000 },
  },
  async measure({ rounds: count, seconds, rate: rates, most }, bench) {
    const setup = await open(bench)
    bench.say('warm-up')
    await measureRate(setup, warmUp)
    const rounds = await measureRounds(bench, count, async ({ say }) => {
      const measure = (perSecond: number): Promise<RatePhase> => {
        say(`${perSecond} events/s`)
        return measureRate(setup, { perSecond, seconds })
      }
      const measured: RatePhase[] = []
      for (const rate of rates) measured.push(await measure(rate))
      return { rates: measured, search: await search(Math.max(...rates), most, measure) }
    })
    const highest = rounds.flatMap(round => allOf(round).filter(isSustained).slice(-1))
    const highestRate = showSpread(spreadOf(highest.map(({ perSecond }) => perSecond)), 0)
    const cases = [
      ...rates.map((rate, index) => {
        return [[rate.toLocaleString('en-US')], rounds.flatMap(round => round.rates[index] ?? [])] as const
      }),
      [[`highest sustained: ${highestRate}`], highest] as const,
    ]
    return {
      notes: [
        'From just before the request to Kafka (acks=all, events gather for 5 ms) to a subscriber:',
        'fetched, decoded, checked, encoded, framed; no socket.',
        ...limitNotes,
      ],
      parts: [
        caseTable('From Kafka to a handler', { head: ['events/s'], cases }, figures),
        { kind: 'text', text: rounds.map(describeSearch).join('\n') },
      ],
      figures: { rounds },
      failures: rounds.flatMap(failuresOf),
    }
  },
})

/** Every rate once, and the rates of the search until one was not sustained. */
interface Round {
  readonly rates: readonly RatePhase[]
  readonly search: readonly RatePhase[]
}

const symbols = 400
const warmUp = { perSecond: 20_000, seconds: 4 } as const
/** From one rate of the search to the next. */
const searchFactor = 1.25

async function open(bench: KafkaBench) {
  const { stack, cores, brokers } = bench
  const producer = await NumberedProducer.open(bench, symbols)
  const command = cores.server(program('scenarios/kafka-latency/handler.ts'))
  const handler = startChild<LatencyHandler>(stack, 'handler', command)
  await handler.call('open', brokers, producer.topics)
  return { producer, handler, bench }
}

type RateSetup = Awaited<ReturnType<typeof open>>

async function search(
  highest: number,
  most: number,
  measure: (perSecond: number) => Promise<RatePhase>,
): Promise<RatePhase[]> {
  const phases: RatePhase[] = []
  for (let rate = highest * searchFactor; rate <= most; rate *= searchFactor) {
    const phase = await measure(Math.round(rate / 1000) * 1000)
    phases.push(phase)
    if (!isSustained(phase)) break
  }
  return phases
}

const figures: readonly Figure<RatePhase>[] = [
  ['p50 ms', ({ p50Ms }) => p50Ms, 2],
  ['p99 ms', ({ p99Ms }) => p99Ms, 1],
  ['max ms', ({ maxMs }) => maxMs, 0],
  ['events a frame', ({ events, frames }) => events / frames, 0],
  ['CPU, µs an event', ({ cpuUs, events }) => cpuUs / events, 1],
  ['reader core', ({ cpuUs, seconds }) => cpuUs / (seconds * 1e6), '%'],
  ['other cores', ({ othersBusy }) => othersBusy, '%'],
  ['longest pause of the producer, ms', ({ longestGapMs }) => longestGapMs, 0],
]

function allOf({ rates, search: searched }: Round): RatePhase[] {
  return [...rates, ...searched]
}

function isSustained({ limit }: RatePhase): boolean {
  return limit === 'none'
}

function describeSearch(round: Round, index: number): string {
  const steps = round.search.map(({ perSecond, lastQuarterMs, limit }) => {
    const ms =
      limit === 'none'
        ? `${lastQuarterMs.toFixed(1)} ms`
        : `not sustained (${limit}; ${lastQuarterMs.toFixed(0)} ms)`
    return `${perSecond.toLocaleString('en-US')}: ${ms}`
  })
  const last = round.search.at(-1)
  const end = last !== undefined && isSustained(last) ? '; the search ended there' : ''
  return `Search ${index + 1}, median of the last quarter: ${steps.join(', ')}${end}.`
}

function failuresOf(round: Round, index: number): string[] {
  const lacking = allOf(round).filter(({ missing }) => missing > 0)
  return lacking.map(({ perSecond, missing }) => {
    return `round ${index + 1}, ${perSecond} events/s: ${missing} events did not arrive at the handler`
  })
}

interface Rate {
  readonly perSecond: number
  readonly seconds: number
}

/** One rate for some seconds. */
type RatePhase = Awaited<ReturnType<typeof measureRate>>

/** How long events gather at least. */
const lingerMs = 5
/** A reader that needs longer than this after the last event was produced has fallen behind. */
const arrivalTimeoutMs = 3000
/** The part by which a producer may be late. */
const lateShare = 0.03
/** From here on a latency that grows is a backlog. */
const growthMs = 20
/** A later median is a backlog, grown or not. */
const mostMs = 250
/** A reader that uses less of its core is not the limit. */
const fullShare = 0.8

const limitNotes: readonly string[] = [
  `Sustained: the producer was at most ${lateShare * 100} % late, everything arrived, and the median of the`,
  `last quarter was at most ${mostMs} ms and twice the first quarter’s + ${growthMs} ms.`,
  `The reader is the limit where it used more than ${fullShare * 100} % of its core.`,
]

/** Publishes at a pace and waits for everything at the handler. */
async function measureRate({ producer, handler, bench }: RateSetup, rate: Rate) {
  const { perSecond, seconds } = rate
  const expected = perSecond * seconds
  await handler.call('begin')
  const cpuUse = watchCpu({ server: handler.pid, clients: process.pid }, bench.cores.others)
  const publishing = await producer.publish({ perSecond, lingerMs, events: expected }, bench.signal)
  bench.signal.throwIfAborted()
  const handled = await handler.call('handled', expected, arrivalTimeoutMs)
  const { othersBusy } = cpuUse()
  const limit = limitOf(rate, publishing, { ...handled, isWhole: handled.events === expected })
  // What an overload delays would disturb the next phase.
  const late =
    handled.events < expected ? await handler.call('handled', expected, 10 * arrivalTimeoutMs) : handled
  return { ...publishing, ...handled, perSecond, othersBusy, limit, missing: expected - late.events }
}

function limitOf(
  { seconds }: Rate,
  publishing: Publishing,
  { firstQuarterMs, lastQuarterMs, cpuUs, isWhole }: Handled & { readonly isWhole: boolean },
) {
  const isOnTime = publishing.seconds <= seconds * (1 + lateShare)
  const isLevel = lastQuarterMs <= Math.min(mostMs, 2 * firstQuarterMs + growthMs)
  if (isOnTime && isLevel && isWhole) return 'none' as const
  return cpuUs > fullShare * publishing.seconds * 1e6 ? ('reader' as const) : ('producer and Kafka' as const)
}
