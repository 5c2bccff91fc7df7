import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTopics, kafkaVariables, namesOf } from '../../support/topics.ts'
import type { Topics } from '../../../src/log/topics.ts'
import { GatewayProcess } from '../../support/gateway-process.ts'
import { type KafkaBroker, startKafka } from '../../support/kafka.ts'
import { type BodyFormName, PublishClient } from '../kafka-faults/publish-client.ts'
import {
  countOutcomes,
  faultlessPosts,
  judgePosts,
  type Poster,
  startPatientPoster,
} from '../kafka-faults/publish-posters.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { report } from '../kafka-faults/scenario.ts'
import { compare, readTruth, type TrueRecord } from '../kafka-faults/truth.ts'
import { HeapProbe } from './heap-probe.ts'
import { MarketProducer } from './market-producer.ts'
import { MemoryRecord } from './memory-record.ts'
import { numberOf } from './numbered-event.ts'
import { SteadySubscriber } from './steady-subscriber.ts'
import { Visitors } from './visitors.ts'

const minutes = Number(process.env['TICKER_SOAK_MINUTES'] ?? 5)
const ratePerS = 400
const sampleMs = 5000
const restartMs = 60_000
const visitorsAtOnce = 20
/** By how much the last quarter's median may lie above that of the quarter before, in MiB. */
const mostGrowth = { heap: 5, buffers: 5, rss: 40 }
/** Above those of the producer. */
const firstPosted = 1_000_000_000
const posting: readonly { readonly form: BodyFormName; readonly size: number; readonly pauseMs: number }[] = [
  { form: 'JSON', size: 1, pauseMs: 200 },
  { form: 'NDJSON gzip', size: 5, pauseMs: 500 },
  { form: 'MessagePack zstd', size: 50, pauseMs: 1000 },
]

let broker: KafkaBroker
let topics: Topics
let gateway: GatewayProcess
let heap: HeapProbe

beforeEach(async () => {
  broker = await startKafka()
  topics = await createTopics(broker.brokers)
  gateway = await GatewayProcess.start(
    { ...kafkaVariables(broker.brokers, topics), TICKER_DRAIN_MS: '500' },
    { nodeOptions: ['--inspect=127.0.0.1:0'] },
  )
  heap = await HeapProbe.connect(gateway.find(/^Debugger listening on (ws:\S+)$/m))
})
afterEach(async () => {
  heap.close()
  await gateway.stop()
  await broker.stop()
})

test(
  `for ${minutes} minutes of traffic, visits and restarts nothing is lost and memory does not grow`,
  async () => {
    const subscriber = await SteadySubscriber.open(gateway)
    const producer = await MarketProducer.start({ brokers: broker.brokers, topics, ratePerS })
    const posters = await startPosters()
    const visitors = new Visitors(gateway, { atOnce: visitorsAtOnce, seed: 1 })
    const memory = new MemoryRecord(gateway, heap)
    const { restarts, notReady } = await pass(memory)
    await visitors.stop()
    const posted = (await Promise.all(posters.map(poster => poster.stop()))).flat()
    await producer.stop()
    const truth = await readAll()
    const events = truth.filter(({ number }) => !Number.isNaN(number))
    await waitUntil(() => subscriber.numbers.length >= events.length, 'the last events').catch(
      () => undefined,
    )
    const findings = compare(subscriber.numbers, truth)
    const { third, fourth } = memory.halves
    const growth = {
      heap: fourth.heap - third.heap,
      buffers: fourth.buffers - third.buffers,
      rss: fourth.rss - third.rss,
    }
    const first = memory.samples[0]!
    report(`soak, ${minutes} min`, {
      events: subscriber.numbers.length,
      ...findings,
      poison: producer.poison,
      restarts,
      visits: visitors.visits,
      ...countOutcomes(posted),
      'heap MiB first, third, fourth quarter': [first.heap, third.heap, fourth.heap].map(rounded).join(' '),
      'buffers MiB': [first.buffers, third.buffers, fourth.buffers].map(rounded).join(' '),
      'rss MiB': [first.rss, third.rss, fourth.rss].map(rounded).join(' '),
      'log lines': gateway.log.split('\n').length,
      'of level error': loggedErrors().length,
    })
    expect(findings).toEqual({ lost: 0, twice: 0, invented: 0, disordered: 0 })
    expect(events.length).toBeGreaterThanOrEqual(producer.acknowledged)
    expect(subscriber.others).toEqual([])
    expect(visitors.faults).toEqual([])
    expect(loggedErrors()).toEqual([])
    expect(notReady).toBe(0)
    expect(await poisonRecords()).toBe(producer.poison)
    const trades = truth.filter(({ partition }) => partition < partitionsOfTopic)
    expect(judgePosts(posted, trades, posted)).toEqual(faultlessPosts)
    expect(growth.heap).toBeLessThan(mostGrowth.heap)
    expect(growth.buffers).toBeLessThan(mostGrowth.buffers)
    expect(growth.rss).toBeLessThan(mostGrowth.rss)
    await subscriber.close()
    heap.close()
    gateway.signal('SIGTERM')
    expect(await gateway.ended).toBe(0)
  },
  (minutes + 10) * 60_000,
)

/** Lets the time pass: samples memory, and restarts the broker, in order or by SIGKILL in turn. */
async function pass(memory: MemoryRecord): Promise<{ restarts: number; notReady: number }> {
  const startedAt = performance.now()
  const endAt = startedAt + minutes * 60_000
  let restarts = 0
  let notReady = 0
  let restarting = Promise.resolve()
  while (performance.now() < endAt) {
    if (performance.now() - startedAt > (restarts + 0.5) * restartMs) {
      await restarting
      restarting = restart(restarts)
      restarts += 1
    }
    await memory.sample()
    if (!(await gateway.isReady())) notReady += 1
    await pause(sampleMs)
  }
  await restarting
  return { restarts, notReady }
}

async function restart(index: number): Promise<void> {
  if (index % 2 === 1) await broker.kill()
  await broker.restart()
}

async function startPosters(): Promise<readonly Poster[]> {
  return await Promise.all(
    posting.map(async ({ form, size, pauseMs }, index) =>
      startPatientPoster({
        client: await PublishClient.create(gateway, form),
        symbols: [`POST${index}A`, `POST${index}B`],
        first: firstPosted + index * 100_000_000,
        size,
        pauseMs,
      }),
    ),
  )
}

/** Of each topic in `readAll`. */
const partitionsOfTopic = 1000

/** What lies in all topics, each with partitions of its own; the trades come first. */
async function readAll(): Promise<TrueRecord[]> {
  const all: TrueRecord[] = []
  for (const [index, topic] of namesOf(topics).entries()) {
    for (const record of await readTruth(broker.brokers, topic, contentOf)) {
      all.push({ ...record, partition: index * partitionsOfTopic + record.partition })
    }
  }
  return all
}

function contentOf(value: Buffer | null): { number: number; symbol: string } {
  try {
    const event: unknown = JSON.parse(String(value))
    const { S } = Object(event) as { readonly S?: unknown }
    return { number: numberOf(event), symbol: String(S) }
  } catch {
    return { number: Number.NaN, symbol: '' }
  }
}

/** As the gateway counts them, all reasons together. */
async function poisonRecords(): Promise<number> {
  const text = await (await fetch(`${gateway.operationsUrl}/metrics`)).text()
  const counts = [...text.matchAll(/^ticker_poison_records_total\{.*\} (\d+)$/gm)]
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}

/** Without the lines of the inspector. */
function loggedErrors(): readonly string[] {
  return gateway.errors.filter(line => line.startsWith('{'))
}

function rounded(mebibytes: number): string {
  return mebibytes.toFixed(1)
}
