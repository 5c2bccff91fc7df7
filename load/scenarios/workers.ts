import { setTimeout as pause } from 'node:timers/promises'
import { defaultForm } from '../clients/wire-forms.ts'
import { NumberedProducer } from '../kafka/numbered-producer.ts'
import { type KafkaBench, measureRounds } from '../lib/bench.ts'
import { type Child, program, startChild } from '../lib/child.ts'
import { comparisonTable, type Figure } from '../lib/figure-tables.ts'
import { roundsOption } from '../lib/options.ts'
import { childrenOf, processCpuUs } from '../lib/process-figures.ts'
import { kafkaScenario } from '../lib/scenario.ts'
import { sumOf } from '../lib/statistics.ts'
import { startGateway } from '../processes/gateway-process.ts'
import type { StreamClients } from '../processes/stream-clients.ts'

export const workers = kafkaScenario({
  name: 'workers',
  summary: 'several workers beside a single process: server CPU per delivery and per connection',
  details: `
All server processes run on one core, everything else on the others (taskset): so the CPU that the same work
takes is compared, not how much more of it two cores do.
`,
  options: {
    rounds: roundsOption(5),
    seconds: { help: 'length of each phase, in seconds', default: 3, quick: 1, most: 60 },
    subscribers: { help: 'subscribers of everything', default: 1000, most: 5000 },
    rate: { help: 'events per second', default: 60, most: 100_000 },
    workers: { help: 'workers, compared with a single process', default: 2, most: 16 },
  },
  async measure({ rounds: count, seconds, subscribers: clients, rate, workers: several }, bench) {
    const subscribers = startChild<StreamClients>(
      bench.stack,
      'subscribers',
      program('processes/stream-clients.ts'),
    )
    const one = await startNode({ workers: 1, subscribers, clients, rate }, bench)
    const other = await startNode({ workers: several, subscribers, clients, rate }, bench)
    bench.say('warm-up')
    for (const node of [one, other]) await measureNode(node, warmUpSeconds, bench.signal)
    let isOneFirst = false
    const rounds = await measureRounds(bench, count, async ({ say, signal }) => {
      say('both')
      // The first of a round may have it easier.
      isOneFirst = !isOneFirst
      const early = isOneFirst ? await measureNode(one, seconds, signal) : undefined
      const ofSeveral = await measureNode(other, seconds, signal)
      return { single: early ?? (await measureNode(one, seconds, signal)), several: ofSeveral }
    })
    const sides = [
      ['one process', (round: (typeof rounds)[number]) => round.single],
      [`${several} workers`, (round: (typeof rounds)[number]) => round.several],
    ] as const
    return {
      notes: [
        `${rate} events/s for ${seconds} s to ${clients} subscribers of everything, both in each round.`,
        'Reading the log costs each worker as much as a single process.',
      ],
      parts: [comparisonTable('Several workers beside one process', { rounds, sides }, figures(seconds))],
      figures: { rounds },
    }
  },
})

const warmUpSeconds = 2
/** In this time, events that are under way reach the sockets. */
const settleMs = 400
const symbols = 400
const lingerMs = 5

function figures(seconds: number): Figure<NodePhase>[] {
  return [
    ['server CPU per delivery, µs', ({ cpuUs, deliveries }) => cpuUs / deliveries, 3],
    ['the primary’s share of it', ({ primaryCpuUs, deliveries }) => primaryCpuUs / deliveries, 3],
    ['without reading, µs', ({ cpuUs, readingCpuUs, deliveries }) => (cpuUs - readingCpuUs) / deliveries, 3],
    ['reading alone, share of a core', ({ readingCpuUs }) => readingCpuUs / (seconds * 1e6), 3],
    ['events per flush', ({ eventsPerFlush }) => eventsPerFlush, 2],
    ['server CPU per connection, ms', ({ connectionUs }) => connectionUs / 1000, 2],
    ['the primary’s share of it, ms', ({ primaryConnectionUs }) => primaryConnectionUs / 1000, 2],
  ]
}

/** CPU in one phase, kernel included; the primary's is `NaN` for a single process. */
type NodePhase = Awaited<ReturnType<typeof measureNode>>

interface NodeOptions {
  readonly workers: number
  readonly subscribers: Child<StreamClients>
  readonly clients: number
  readonly rate: number
}

type MeasuredNode = Awaited<ReturnType<typeof startNode>>

/** Starts a gateway with topics of its own, so that it rests while another one is measured. */
async function startNode(options: NodeOptions, bench: KafkaBench) {
  const producer = await NumberedProducer.open(bench, symbols)
  const settings = { TICKER_WORKERS: String(options.workers) }
  const gateway = await startGateway({ topics: producer.topics, settings }, bench)
  return { ...options, gateway, producer }
}

/** Publishes at an even pace; each event is delivered to each subscriber. Rejects when one is missing. */
async function measureNode(node: MeasuredNode, seconds: number, signal: AbortSignal) {
  const { subscribers, producer, clients, gateway } = node
  const { address, token } = gateway
  const reading = await publish(node, seconds, signal)
  const opening = cpuOf(node)
  const subscribe = { trades: ['*'], quotes: ['*'], policy: { quotes: 'every' } }
  const access = { kind: 'gateway', token, form: defaultForm, subscribe } as const
  const lists = Array.from({ length: clients }, () => [])
  await subscribers.call('open', { address, access }, lists)
  const opened = cpuOf(node)
  const before = await countsOf(node)
  const madeBefore = producer.source.events
  const used = await publish(node, seconds, signal)
  const after = await countsOf(node)
  await subscribers.call('close')
  const deliveries = after.deliveries - before.deliveries
  const expected = (producer.source.events - madeBefore) * clients
  if (deliveries !== expected) throw new Error(`${deliveries} deliveries instead of ${expected}`)
  return {
    deliveries,
    /** Of all processes of the node, for the same events without subscribers. */
    readingCpuUs: reading.all,
    cpuUs: used.all,
    primaryCpuUs: used.primary,
    /** Of all processes, for each connection that was opened and subscribed. */
    connectionUs: (opened.all - opening.all) / clients,
    primaryConnectionUs: (opened.primary - opening.primary) / clients,
    eventsPerFlush: (after.events - before.events) / (after.flushes - before.flushes),
  }
}

/** The CPU of the node while events are published, until everything is delivered. */
async function publish(node: MeasuredNode, seconds: number, signal: AbortSignal) {
  const begun = cpuOf(node)
  const until = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)])
  await node.producer.publish({ perSecond: node.rate, lingerMs }, until)
  await pause(settleMs, undefined, { signal })
  const ended = cpuOf(node)
  return { all: ended.all - begun.all, primary: ended.primary - begun.primary }
}

/** CPU in microseconds: of all processes of a node, and of its primary. */
function cpuOf({ gateway, workers: count }: MeasuredNode) {
  const own = processCpuUs(gateway.pid)
  if (count === 1) return { all: own, primary: Number.NaN }
  return { all: own + sumOf(childrenOf(gateway.pid), processCpuUs), primary: own }
}

async function countsOf({ gateway }: MeasuredNode) {
  const names = [
    'ticker_deliveries_total{feed="live"}',
    'ticker_flushed_events_total{feed="live"}',
    'ticker_flushes_total{feed="live"}',
  ]
  const values = await Promise.all(names.map(name => gateway.process.metric(name)))
  const [deliveries = 0, events = 0, flushes = 0] = values
  return { deliveries, events, flushes }
}
