import { setTimeout as pause } from 'node:timers/promises'
import { NumberedReader, type PartitionRun } from '../../clients/numbered-reader.ts'
import type { NumberedProducer } from '../../kafka/numbered-producer.ts'
import type { NumberedSource, Totals } from '../../kafka/numbered-source.ts'
import { symbolOf } from '../../lib/generated-events.ts'
import type { Child } from '../../lib/child.ts'
import type { ProbeAnswers } from '../../processes/gateway-probe.ts'
import type { ProbedGateway, Stretch } from '../../processes/probed-gateway.ts'
import type { Arrival, NumberedReaders, ReaderResult, ReaderSpec } from '../../processes/numbered-readers.ts'

/** What the storms have in common. */
export interface StormSetup {
  readonly gateway: ProbedGateway
  /** The processes that hold the clients. */
  readonly clients: readonly Child<NumberedReaders>[]
  readonly producer: NumberedProducer
  readonly source: NumberedSource
  readonly signal: AbortSignal
}

export interface StormOptions {
  readonly clients: number
  /** Symbols that each client wants. */
  readonly wanted: number
  readonly rate: number
  readonly linger: number
  /** Age of the cursors. */
  readonly seconds: number
}

/** All clients cut off at once, and back. */
export interface Storm {
  /** All connected and served. */
  readonly before: Stretch
  /** From the cut until all are back. */
  readonly during: Stretch
  /** After a collection, before the cut and when all have left. */
  readonly memory: readonly [ProbeAnswers['memory'], ProbeAnswers['memory']]
  readonly arrivals: readonly Arrival[]
  readonly results: readonly ReaderResult[]
}

export const symbols = 300
const beforeSeconds = 5
/** In this time, events that were sent are read. */
const quietMs = 1000
const resultTimeoutMs = 60_000
/** Prime to the number of symbols: lists of neighbours differ. */
const listStep = 7

/** Connects all, cuts them off, lets them come back, with cursors or without, and checks all events. */
export async function runStorm(
  { gateway, clients, source, producer, signal }: StormSetup,
  options: StormOptions,
  { hasCursors, profile }: { readonly hasCursors: boolean; readonly profile: string | undefined },
): Promise<Storm> {
  const all = Array.from({ length: options.clients }, (_, client) => specOf(client, options.wanted))
  await each(clients, all, (child, specs) => child.call('open', gateway.target, symbols, specs))
  const bookmark = await bookmarkOf(gateway, source)
  const publishing = producer.start({ perSecond: options.rate, lingerMs: options.linger }, signal)
  await pause((options.seconds - beforeSeconds) * 1000, undefined, { signal })
  const [before] = await gateway.during(() => pause(beforeSeconds * 1000, undefined, { signal }))
  const memoryBefore = await gateway.ask('memory')
  const returning = hasCursors ? all.map(spec => resumed(spec, bookmark)) : all
  const [during, arrivals] = await gateway.profiled(profile, () =>
    gateway.during(async () => {
      await each(clients, all, child => child.call('cut'))
      return await each(clients, returning, (child, specs) => child.call('arrive', specs))
    }),
  )
  await publishing.end()
  const results = await each(clients, all, child => child.call('results', source.totals, resultTimeoutMs))
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
interface Bookmark {
  readonly partitions: readonly PartitionRun[]
  readonly totals: Totals
}

async function bookmarkOf({ target }: ProbedGateway, source: NumberedSource): Promise<Bookmark> {
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
function resumed(spec: ReaderSpec, { partitions, totals }: Bookmark): ReaderSpec {
  const subscribe = { ...spec.subscribe, cursor: { version: 1, partitions } }
  return { ...spec, subscribe, begins: { trades: totals.trades } }
}
