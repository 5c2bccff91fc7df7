import { setTimeout as pause } from 'node:timers/promises'
import { defaultForm } from '../../clients/wire-forms.ts'
import { type StampedTimes, TapeProducer } from '../../kafka/tape-producer.ts'
import { type KafkaBench, measureRounds } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { comparisonTable, type Figure, figureTable } from '../../lib/figure-tables.ts'
import { highestPriority } from '../../lib/machine.ts'
import { roundsOption } from '../../lib/options.ts'
import { watchCpu } from '../../lib/process-figures.ts'
import { kafkaScenario } from '../../lib/scenario.ts'
import { latencyMs } from '../../lib/statistics.ts'
import { startGateway } from '../../processes/gateway-process.ts'
import type { ArrivalTimes, TapeReaders } from './tape-readers.ts'

const partitions = 4
const warmUpEvents = 2000
const arrivalTimeoutMs = 20_000
/** Timestamps of records have whole milliseconds. */
const timestampMs = 1
/** Every event has to come this soon after it was due. */
const boundMs = 500
const everything = { trades: ['*'], quotes: ['*'], policy: { quotes: 'every' } }

export const delayedFeed = kafkaScenario({
  name: 'delayed-feed',
  summary: 'a tape in real time, 5 s late: how late each event comes after it was due; a bystander on live',
  details: `
Replays a tape in its own time (the mean is 210 events/s) to a gateway with the feeds live and delayed, then to
one with live alone, or first to that. Fails when an event of the delayed feed comes before it is due, or more
than ${boundMs} ms after.
`,
  options: {
    rounds: roundsOption(3),
    events: { help: 'events that are measured', default: 10_000, quick: 1000, most: 100_000 },
    delay: { help: 'the delay, in ms', default: 5000, least: 1000, most: 900_000 },
    clients: { help: 'subscribers of everything on each feed', default: 50, most: 5000 },
  },
  async measure({ rounds: count, ...load }, bench) {
    const producer = await TapeProducer.open(bench, partitions)
    const command = highestPriority().command(program('scenarios/delayed-feed/tape-readers.ts'))
    const setup = {
      producer,
      live: startChild<TapeReaders>(bench.stack, 'live subscribers', command),
      delayed: startChild<TapeReaders>(bench.stack, 'delayed subscribers', command),
      ...load,
    }
    let isFirst = false
    const rounds = await measureRounds(bench, count, async own => {
      isFirst = !isFirst
      if (isFirst) {
        const without = await measureWithout(setup, own)
        return { without, ...(await measureBoth(setup, own)) }
      }
      const both = await measureBoth(setup, own)
      return { ...both, without: await measureWithout(setup, own) }
    })
    return {
      notes: [
        `${load.events} events of ${producer.description}, in its own time, ${partitions} partitions a topic;`,
        `${load.clients} subscribers of everything on each feed, the last one's events are looked at.`,
        `Late: from when an event was due (its record's timestamp and ${load.delay} ms) to its read. Timestamps`,
        'have whole milliseconds, so an event may seem up to 1 ms early.',
      ],
      parts: [
        figureTable(`The delayed feed, ${load.delay} ms`, rounds, lateFigures),
        comparisonTable('The live feed beside it', { rounds, sides }, liveFigures),
      ],
      figures: { rounds },
      failures: rounds.flatMap(failuresOf),
    }
  },
})

interface Setup {
  readonly producer: TapeProducer
  readonly live: ReturnType<typeof startChild<TapeReaders>>
  readonly delayed: ReturnType<typeof startChild<TapeReaders>>
  readonly events: number
  readonly delay: number
  readonly clients: number
}

interface Round extends Awaited<ReturnType<typeof measureBoth>> {
  readonly without: Phase
}

type Phase = Awaited<ReturnType<typeof measureWithout>>

async function measureWithout(setup: Setup, bench: KafkaBench) {
  bench.say('live alone')
  await using stack = new AsyncDisposableStack()
  const gateway = await open(setup, { ...bench, stack }, ['live'])
  const { live, stamped, serverShare } = await measure(setup, gateway, bench)
  return { ...latencyMs(latencies(stamped, live, 0)), serverShare }
}

async function measureBoth(setup: Setup, bench: KafkaBench) {
  bench.say('live and delayed')
  await using stack = new AsyncDisposableStack()
  const gateway = await open(setup, { ...bench, stack }, ['live', 'delayed'])
  const { live, stamped, serverShare } = await measure(setup, gateway, bench)
  const delayed = await setup.delayed.call('received', setup.events, setup.delay + arrivalTimeoutMs)
  const late = latencies(stamped, delayed, setup.delay)
  return {
    late: { ...latencyMs(late), leastMs: Math.min(...late) / 1000, events: late.length },
    beside: { ...latencyMs(latencies(stamped, live, 0)), serverShare },
  }
}

type Gateway = Awaited<ReturnType<typeof startGateway>>

/** Starts a gateway with subscribers of its feeds, which have had some events. */
async function open(
  setup: Setup,
  bench: KafkaBench,
  feeds: readonly ('live' | 'delayed')[],
): Promise<Gateway> {
  const { producer, clients, delay } = setup
  const settings = { TICKER_FEEDS: feeds.includes('delayed') ? `live,delayed:${delay}` : 'live' }
  const gateway = await startGateway({ topics: producer.topics, settings }, bench)
  const { address, token } = gateway
  // What was published before is due before the subscribers come.
  if (feeds.includes('delayed')) await pause(delay + boundMs, undefined, { signal: bench.signal })
  for (const feed of feeds) {
    const access = { kind: 'gateway', token, form: defaultForm, subscribe: everything, feed } as const
    await setup[feed].call('open', { address, access }, clients)
    bench.stack.defer(() => setup[feed].call('close'))
    await setup[feed].call('begin')
  }
  await producer.publish(warmUpEvents, bench.signal)
  for (const feed of feeds) {
    await setup[feed].call('received', warmUpEvents, delay + arrivalTimeoutMs)
    await setup[feed].call('begin')
  }
  return gateway
}

async function measure({ producer, live, events }: Setup, gateway: Gateway, { signal, cores }: KafkaBench) {
  const cpuUse = watchCpu({ server: gateway.pid, clients: live.pid }, cores.others)
  const stamped = await producer.publish(events, signal)
  const arrived = await live.call('received', events, arrivalTimeoutMs)
  return { live: arrived, stamped, serverShare: cpuUse().serverShare }
}

/** From when each event was due to when it came, in µs. */
function latencies(stamped: StampedTimes, arrived: ArrivalTimes, delayMs: number): Float64Array {
  return Float64Array.from(
    Object.entries(stamped).flatMap(([item, times]) =>
      times.map((us, index) => (arrived[item]?.[index] ?? Number.NaN) - us - delayMs * 1000),
    ),
  )
}

const lateFigures: readonly Figure<Round>[] = [
  ['events', ({ late }) => late.events, 0],
  ['least ms late', ({ late }) => late.leastMs, 1],
  ['p50 ms late', ({ late }) => late.p50Ms, 1],
  ['p99 ms late', ({ late }) => late.p99Ms, 1],
  ['max ms late', ({ late }) => late.maxMs, 1],
]

const sides = [
  ['without', (round: Round) => round.without],
  ['beside a delayed feed', (round: Round) => round.beside],
] as const

const liveFigures: readonly Figure<Phase>[] = [
  ['p50 ms', phase => phase.p50Ms, 2],
  ['p99 ms', phase => phase.p99Ms, 2],
  ['max ms', phase => phase.maxMs, 1],
  ['server core', phase => phase.serverShare, '%'],
]

function failuresOf({ late }: Round, index: number): string[] {
  const round = `round ${index + 1}`
  const failures: string[] = []
  if (!(late.leastMs >= -timestampMs)) failures.push(`${round}: an event came ${-late.leastMs} ms early`)
  if (!(late.maxMs <= boundMs)) failures.push(`${round}: an event came ${late.maxMs} ms after it was due`)
  return failures
}
