import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { vi } from 'vitest'
import type { MarketEvent } from '../../../../src/event/event.ts'
import { defaults } from '../../../support/defaults.ts'
import { MemoryLog, type MemoryPartition } from '../../../support/memory-log.ts'
import {
  anySettings,
  feedDelaysMs,
  type FeedName,
  type Published,
  type Settings,
  type Step,
  stepLists,
  symbols,
} from './steps.ts'
import { SimulatedNode } from './simulated-node.ts'
import { startMs } from '../../session-fixture.ts'
import { CheckingClient, isBehind } from './checking-client.ts'

/** Time is faked; turns of the event loop are real. */
export const fakedTimers: Parameters<typeof vi.useFakeTimers>[0] = {
  now: startMs,
  toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
}

/** The longest of those that clients choose (`anySettings`). */
const longestIntervalMs = 5000

const t = '2026-01-02T14:30:00Z'
/** A reader whose feed does not move looks again after 20 ms, some 10,000 turns. */
const mostTurns = 500_000

/** The number of partitions at the beginning. */
const places = 3

/** A log, two gateways that read it, and clients that move from one to the other. */
export class ReaderSimulation {
  readonly log = new MemoryLog([
    { topic: 'market', partition: 0 },
    { topic: 'market', partition: 1 },
    { topic: 'news', partition: 0 },
  ])
  readonly clients: readonly CheckingClient[]
  readonly #nodes: SimulatedNode[]
  readonly #retired: SimulatedNode[] = []
  readonly #settings: Settings
  #serial = 0

  constructor(settings: Settings) {
    this.#settings = settings
    this.#nodes = [this.#start(), this.#start()]
    this.clients = settings.clients.map(options => new CheckingClient(options))
    for (const client of this.clients) client.connect(this.#node(0), 'live')
  }

  get faults(): readonly unknown[] {
    return [
      ...this.clients.flatMap(({ faults }) => faults),
      ...this.#allNodes.flatMap(({ faults }) => faults),
    ]
  }

  get #allNodes(): readonly SimulatedNode[] {
    return [...this.#nodes, ...this.#retired]
  }

  async perform(step: Step): Promise<void> {
    if ('client' in step) this.#performOn(this.clients[step.client]!, step)
    else if (step.action === 'publish') this.#publish(step)
    else if (step.action === 'read')
      this.#node(step.node).read([{ partition: this.#at(step.place), atMost: step.atMost }])
    else if (step.action === 'retain') this.#retain(step)
    else if (step.action === 'compact') this.#compact(step)
    else if (step.action === 'grow') this.#grow(step.topic)
    else if (step.action === 'cut') this.#cut(this.#at(step.place), step.by)
    else if (step.action === 'recreate') this.log.makeTopicAgain(step.topic)
    else if (step.action === 'restart') await this.#restart(step)
    else if (step.action === 'wait') this.#wait(step.ms)
    else await this.#turn(step.count)
    await this.#turn(1)
  }

  /** Lets every node and client reach the end of the log, and reports what is missing then. */
  async settle(): Promise<void> {
    this.#wait(feedDelaysMs.delayed)
    for (const node of this.#nodes) node.readAll()
    this.#wait(defaults.limits.flushDelayMs)
    for (const client of this.clients) {
      client.isFrozen = false
      client.transport.take(Infinity)
    }
    await this.#untilLevel()
    // The last interval ends.
    vi.advanceTimersByTime(longestIntervalMs)
    await this.#untilLevel()
    for (const node of this.#nodes) node.sessions.beat()
    await this.#turn(2)
    for (const client of this.clients) client.settle()
  }

  async end(): Promise<void> {
    for (const client of this.clients) client.disconnect()
    await this.#turn(5)
    for (const node of this.#allNodes) {
      void node.sessions.drain(0)
      const { behind, audiences } = node.left
      if (behind + audiences > 0)
        node.faults.push(new Error(`left: ${behind} readers behind, ${audiences} audiences`))
      if (node.sessions.filters.size > 0) node.faults.push(new Error('filters that nobody uses are active'))
    }
  }

  #performOn(client: CheckingClient, step: Extract<Step, { readonly client: number }>): void {
    if (step.action === 'subscribe') this.#subscribe(client, step)
    else if (step.action === 'unsubscribe') {
      client.unsubscribe(step.item)
    } else if (step.action === 'stall') client.transport.stall(step.ballast)
    else if (step.action === 'trickle') client.transport.take(step.frames)
    else if (step.action === 'drain') client.transport.take(Infinity)
    else if (step.action === 'freeze') client.isFrozen = true
    else if (step.action === 'thaw') client.isFrozen = false
    else this.#reconnect(client, this.#node(step.node), step)
  }

  #subscribe(
    client: CheckingClient,
    { items, snapshot, where }: Extract<Step, { readonly action: 'subscribe' }>,
  ): void {
    for (const { channel, symbol } of items)
      client.wanted.set(channel, new Set(client.wanted.get(channel)).add(symbol))
    client.subscribe(snapshot, where)
  }

  #reconnect(
    client: CheckingClient,
    node: SimulatedNode,
    { forgets = 'nothing', feed = client.feed }: { readonly forgets?: string; readonly feed?: FeedName } = {},
  ): void {
    client.disconnect()
    client.forget(forgets)
    client.connect(node, feed)
  }

  /** Lets time pass; each wait is long enough for a flush of what was read. */
  #wait(ms: number): void {
    vi.advanceTimersByTime(ms)
    for (const node of this.#nodes) {
      node.expectFlushed()
      node.feed('delayed').readAll()
    }
  }

  #publish({ records, readers }: Extract<Step, { readonly action: 'publish' }>): void {
    for (const record of records) this.#at(placeOf(record)).append([this.#eventOf(record)])
    const partitions = new Set(records.map(record => this.#at(placeOf(record))))
    for (const reader of readers)
      this.#node(reader).read([...partitions].map(partition => ({ partition, atMost: Infinity })))
  }

  #eventOf(record: Published): MarketEvent | undefined {
    const serial = ++this.#serial
    if (record.kind === 'none') return undefined
    if ('symbols' in record)
      return { T: 'n', id: serial, headline: '-', created_at: t, symbols: record.symbols }
    if (!('symbol' in record)) return undefined
    // No text is longer than the schema allows.
    const c = Array.from({ length: Math.ceil(record.size / 2000) }, () => 'x'.repeat(2000))
    const { symbol: S } = record
    const size = 1 + (serial % 4)
    if (record.kind === 'trade') return { T: 't', S, i: serial, p: 1, s: size, c, t }
    return { T: 'q', S, bp: serial, bs: size, ap: serial + 1, as: 1, c, t }
  }

  /** Retention leaves `left` records, or readers without further rights may go back over `left`. */
  #retain({ place, left, isGone }: Extract<Step, { readonly action: 'retain' }>): void {
    const partition = this.#at(place)
    if (isGone) partition.retain(partition.end - left)
    else partition.age(partition.end - left)
  }

  #compact({ place, from, count }: Extract<Step, { readonly action: 'compact' }>): void {
    const partition = this.#at(place)
    partition.compact(partition.first + from, partition.first + from + count)
  }

  /** Adds one partition, once; nodes find it when they read it. */
  #grow(topic: string): void {
    if (this.log.partitions.length === places) this.log.grow(topic)
  }

  /** Both nodes have read to the end before; otherwise one could not know that a client was ahead of it. */
  #cut(partition: MemoryPartition, by: number): void {
    this.#wait(feedDelaysMs.delayed)
    for (const node of this.#nodes) node.readAll()
    partition.cutBack(partition.end - by)
    for (const node of this.#nodes) node.noticeCut(partition)
  }

  /**
   * A node drains and a new one replaces it; its clients, which may hear of the drain, connect to the new
   * one.
   */
  async #restart({ node: index, isHeard }: Extract<Step, { readonly action: 'restart' }>): Promise<void> {
    const former = this.#node(index)
    const clients = this.clients.filter(({ node }) => node === former)
    void former.sessions.drain(1000)
    if (isHeard) for (const { transport } of clients) transport.take(Infinity)
    for (const client of clients) client.read()
    const node = this.#start()
    this.#nodes[index] = node
    this.#retired.push(former)
    for (const client of clients) this.#reconnect(client, node)
    await this.#turn(1)
  }

  #start(): SimulatedNode {
    return new SimulatedNode(this.log, this.#settings)
  }

  async #turn(count: number): Promise<boolean> {
    let isBusy = false
    for (let index = 0; index < count; index++) {
      await nextLoopTurn()
      this.#expectStates()
      for (const client of this.clients) if (this.#look(client)) isBusy = true
    }
    return isBusy
  }

  /** Readers are in states that `readerSteps` leads to, and those that are behind are counted as such. */
  #expectStates(): void {
    for (const client of this.clients) client.expectReachableState()
    for (const node of this.#allNodes) {
      const behind = this.clients.filter(
        ({ node: of, session }) => of === node && isBehind(session?.delivery?.readerState),
      )
      const counted = node.left.behind
      // One that has ended counts until its read under way is over.
      if (counted < behind.length)
        node.faults.push(new Error(`${counted} counted as behind, not ${behind.length}`))
    }
  }

  #look(client: CheckingClient): boolean {
    const isBusy = client.read()
    if (client.isFrozen) return isBusy
    if (client.transport.closed !== undefined && client.transport.inbox.length === 0) {
      this.#reconnect(client, client.node ?? this.#node(0))
      return true
    }
    if (client.isReady && !client.isSubscribed) client.subscribe(false, {})
    return isBusy
  }

  async #untilLevel(): Promise<void> {
    let idle = 0
    for (let turns = 0; idle < 5; turns++) {
      if (turns > mostTurns) throw new Error('the readers did not reach the end')
      const isBusy = await this.#turn(1)
      idle = isBusy || this.clients.some(client => !client.isLevel) ? 0 : idle + 1
    }
  }

  #at(place: number): MemoryPartition {
    return this.log.partitions[Math.min(place, this.log.partitions.length - 1)]!
  }

  #node(index: number): SimulatedNode {
    return this.#nodes[index]!
  }
}

/** A symbol's events are in one partition, articles in any. */
function placeOf(record: Published): number {
  if ('place' in record) return record.place
  return symbols.indexOf(record.symbol) % 2
}

/** `TICKER_TEST_SEED=n` repeats the steps of a failed run; the failure names its seed. */
const seed = process.env['TICKER_TEST_SEED']

/**
 * Runs so many random lists of steps; resolves with a report of the shortest one after which a client found a
 * fault.
 */
export async function findFailingSteps(numRuns: number): Promise<string | undefined> {
  const details = await fc.check(
    fc.asyncProperty(anySettings, stepLists, async (given, steps) => {
      const simulation = new ReaderSimulation(given)
      for (const step of steps) {
        await simulation.perform(step)
        if (simulation.faults.length > 0) break
      }
      if (simulation.faults.length === 0) await simulation.settle()
      await simulation.end()
      if (simulation.faults.length > 0) throw new Error(`\n${simulation.faults.join('\n')}\n`)
    }),
    { numRuns, includeErrorInReport: true, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  )
  return details.failed ? fc.defaultReportMessage(details) : undefined
}
