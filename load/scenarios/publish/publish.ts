import { readTapeRecords } from '../../kafka/tape-records.ts'
import { type KafkaBench, measureRounds } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { caseTable, type Figure } from '../../lib/figure-tables.ts'
import { roundsOption } from '../../lib/options.ts'
import { processCpuUs } from '../../lib/process-figures.ts'
import { kafkaScenario, profileOption } from '../../lib/scenario.ts'
import { settingsText, startGateway } from '../../processes/gateway-process.ts'
import type { KafkajsPublisher } from './kafkajs-publisher.ts'
import { post, type Published } from './posting.ts'

export const publish = kafkaScenario({
  name: 'publish',
  summary: 'POST /v1/events: requests/s, latency, server CPU, beside kafkajs that produces directly',
  options: {
    rounds: roundsOption(3),
    seconds: { help: 'length of each phase, in seconds', default: 3, quick: 1, most: 60 },
    events: { help: 'events of a request', default: [1, 10, 100], most: 1000 },
    connections: {
      help: 'HTTP connections, and sends of kafkajs at once',
      default: 4,
      most: 1000,
    },
    profile: profileOption,
  },
  async measure({ rounds: count, seconds, events, connections, profile }, bench) {
    const publishOnce = await openPublishers(profile, bench)
    for (const size of events) {
      bench.say(`warm-up: ${size} events a request`)
      await publishOnce({ size, connections, seconds: Math.min(seconds, warmUpSeconds) })
    }
    const rounds = await measureRounds(bench, count, async ({ say, signal }) => {
      const sizes: PublishRound[] = []
      for (const size of events) {
        signal.throwIfAborted()
        say(`${size} events a request`)
        sizes.push(await publishOnce({ size, connections, seconds }))
      }
      return sizes
    })
    const bySize = [...Map.groupBy(rounds.flat(), ({ size }) => String(size))]
    const cases = bySize.flatMap(([size, ofSize]) => [
      [[size, '`POST /v1/events`'], ofSize.map(({ gateway }) => gateway)] as const,
      [[size, 'kafkajs'], ofSize.map(({ kafkajs }) => kafkajs)] as const,
    ])
    const ratioCases = bySize.map(([size, ofSize]) => [[size], ofSize] as const)
    const head = ['events a request']
    return {
      notes: [
        `${connections} connections, the next request when the last is answered; kafkajs with as many sends`,
        'at once, idempotent, acks=all. The same events, by the same keys.',
        'The gateway’s CPU includes that it reads back from Kafka and encodes what was published.',
        `Settings: ${settingsText(settings)}, plain HTTP on loopback.`,
      ],
      parts: [
        caseTable('Publishing', { head: [...head, 'by'], cases }, figures),
        caseTable('`POST` ÷ kafkajs', { head, cases: ratioCases }, ratios),
      ],
      figures: { rounds },
    }
  },
})

/** One phase, with the CPU of the process that published. */
type PublishPhase = Awaited<ReturnType<typeof metered>>
type PublishRound = Awaited<ReturnType<Awaited<ReturnType<typeof openPublishers>>>>

interface Shape {
  readonly seconds: number
  readonly connections: number
  readonly size: number
}

const partitions = 4
const warmUpSeconds = 2
/** No request is refused. */
const settings = { TICKER_PUBLISH_EVENTS_PER_SECOND: '1000000', TICKER_PUBLISH_MAX_PENDING: '1000000' }

/** Starts both publishers; the returned function publishes with one after the other. */
async function openPublishers(profile: string | undefined, bench: KafkaBench) {
  const topics = await bench.createTopics(partitions)
  const gateway = await startGateway({ topics, profile, scopes: ['publish'], settings }, bench)
  const command = bench.cores.server(program('scenarios/publish/kafkajs-publisher.ts'))
  const kafkajs = startChild<KafkajsPublisher>(bench.stack, 'kafkajs', command)
  await kafkajs.call('open', bench.brokers, topics)
  const { records } = await readTapeRecords()
  const { token, address } = gateway
  const url = `http://${address.host}:${address.port}/v1/events`
  return async ({ size, seconds, connections }: Shape) => {
    const posting = { url, token, records, size, seconds, connections }
    return {
      size,
      gateway: await metered(gateway.pid, () => post(posting)),
      kafkajs: await metered(kafkajs.pid, () => kafkajs.call('publish', size, connections, seconds)),
    }
  }
}

async function metered(pid: number, work: () => Promise<Published>) {
  const before = processCpuUs(pid)
  const published = await work()
  return { ...published, cpuUs: processCpuUs(pid) - before }
}

const figures: readonly Figure<PublishPhase>[] = [
  ['requests/s', ({ requests, seconds }) => requests / seconds, 0],
  ['events/s', eventRate, 0],
  ['p50 ms', ({ p50Ms }) => p50Ms, 2],
  ['p99 ms', ({ p99Ms }) => p99Ms, 1],
  ['CPU, µs an event', ({ cpuUs, events }) => cpuUs / events, 1],
  ['of its core', ({ cpuUs, seconds }) => cpuUs / (seconds * 1e6), '%'],
]

const ratios: readonly Figure<PublishRound>[] = [
  ['events/s', ({ gateway, kafkajs }) => eventRate(gateway) / eventRate(kafkajs), 2],
  ['p50', ({ gateway, kafkajs }) => gateway.p50Ms / kafkajs.p50Ms, 2],
  [
    'CPU an event',
    ({ gateway, kafkajs }) => gateway.cpuUs / gateway.events / (kafkajs.cpuUs / kafkajs.events),
    2,
  ],
]

function eventRate({ events, seconds }: PublishPhase): number {
  return events / seconds
}
