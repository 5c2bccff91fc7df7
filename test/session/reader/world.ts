import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { vi } from 'vitest'
import type { MarketEvent } from '../../../src/event/event.ts'
import { defaults } from '../../support/defaults.ts'
import { MemoryLog, type MemoryPartition } from '../../support/memory-log.ts'
import { type Act, type Published, type Settings, symbols } from './acts.ts'
import { GatewayNode } from './gateway-node.ts'
import { startMs } from '../stage.ts'
import { isBehind, StrictClient } from './strict-client.ts'

/** The loop's turns are real. */
export const fakedTimers: Parameters<typeof vi.useFakeTimers>[0] = {
  now: startMs,
  toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
}

/** Of those that clients choose (`settings`). */
const longestIntervalMs = 5000

const t = '2026-01-02T14:30:00Z'
/** A reader whose feed does not move looks again after 20 ms, which is some 10,000 turns. */
const mostTurns = 500_000

/** Partitions at the beginning. */
const places = 3

/** A log, two gateways that read it, and the clients that go from one to the other. */
export class World {
  readonly log = new MemoryLog([
    { topic: 'market', partition: 0 },
    { topic: 'market', partition: 1 },
    { topic: 'news', partition: 0 },
  ])
  readonly clients: readonly StrictClient[]
  readonly #nodes: GatewayNode[]
  readonly #retired: GatewayNode[] = []
  readonly #settings: Settings
  #serial = 0

  constructor(settings: Settings) {
    this.#settings = settings
    this.#nodes = [this.#start(), this.#start()]
    this.clients = settings.clients.map(options => new StrictClient(options))
    for (const client of this.clients) client.connect(this.#node(0))
  }

  get faults(): readonly unknown[] {
    return [
      ...this.clients.flatMap(({ faults }) => faults),
      ...this.#allNodes.flatMap(({ faults }) => faults),
    ]
  }

  get #allNodes(): readonly GatewayNode[] {
    return [...this.#nodes, ...this.#retired]
  }

  async perform(act: Act): Promise<void> {
    if ('client' in act) this.#performOn(this.clients[act.client]!, act)
    else if (act.act === 'publish') this.#publish(act)
    else if (act.act === 'read')
      this.#node(act.node).read([{ partition: this.#at(act.place), atMost: act.atMost }])
    else if (act.act === 'retain') this.#retain(act)
    else if (act.act === 'compact') this.#compact(act)
    else if (act.act === 'grow') this.#grow(act.topic)
    else if (act.act === 'cut') this.#cut(this.#at(act.place), act.by)
    else if (act.act === 'recreate') this.log.makeTopicAgain(act.topic)
    else if (act.act === 'restart') await this.#restart(act)
    else if (act.act === 'wait') this.#wait(act.ms)
    else await this.#turn(act.count)
    await this.#turn(1)
  }

  /** Lets everyone come to the end of the log, and says what is missing then. */
  async settle(): Promise<void> {
    for (const node of this.#nodes) node.readAll()
    this.#wait(defaults.limits.flushDelayMs)
    for (const client of this.clients) {
      client.isFrozen = false
      client.transport.take(Infinity)
    }
    await this.#untilLevel()
    // What is told at intervals is told.
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
      const { behind } = node.sessions.readerCounts
      if (node.feed.fanout.audienceCount > 0 || Object.values(behind).some(count => count > 0))
        node.faults.push(new Error(`left behind: ${JSON.stringify(behind)}`))
    }
  }

  #performOn(client: StrictClient, act: Extract<Act, { readonly client: number }>): void {
    if (act.act === 'subscribe') this.#subscribe(client, act)
    else if (act.act === 'unsubscribe') {
      client.unsubscribe(act.item)
    } else if (act.act === 'stall') client.transport.stall(act.ballast)
    else if (act.act === 'trickle') client.transport.take(act.frames)
    else if (act.act === 'drain') client.transport.take(Infinity)
    else if (act.act === 'freeze') client.isFrozen = true
    else if (act.act === 'thaw') client.isFrozen = false
    else this.#reconnect(client, this.#node(act.node), act.forgets)
  }

  #subscribe(client: StrictClient, { items, snapshot }: Extract<Act, { readonly act: 'subscribe' }>): void {
    for (const { channel, symbol } of items)
      client.wanted.set(channel, new Set(client.wanted.get(channel)).add(symbol))
    client.subscribe(snapshot)
  }

  #reconnect(client: StrictClient, node: GatewayNode, forgets = 'nothing'): void {
    client.disconnect()
    client.forget(forgets)
    client.connect(node)
  }

  /** Lets time pass, which is enough for what was read to be written. */
  #wait(ms: number): void {
    vi.advanceTimersByTime(ms)
    for (const node of this.#nodes) node.expectFlushed()
  }

  #publish({ records, readers }: Extract<Act, { readonly act: 'publish' }>): void {
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
    // Texts are as long as an event's may be.
    const c = Array.from({ length: Math.ceil(record.size / 2000) }, () => 'x'.repeat(2000))
    const { symbol: S } = record
    if (record.kind === 'trade') return { T: 't', S, i: serial, p: 1, s: 1, c, t }
    return { T: 'q', S, bp: serial, bs: 1, ap: serial + 1, as: 1, c, t }
  }

  /** Retention leaves so many records, or readers may go back over so many. */
  #retain({ place, left, isGone }: Extract<Act, { readonly act: 'retain' }>): void {
    const partition = this.#at(place)
    if (isGone) partition.retain(partition.end - left)
    else partition.age(partition.end - left)
  }

  #compact({ place, from, count }: Extract<Act, { readonly act: 'compact' }>): void {
    const partition = this.#at(place)
    partition.compact(partition.first + from, partition.first + from + count)
  }

  /** Once: nodes find the partition when they read it. */
  #grow(topic: string): void {
    if (this.log.partitions.length === places) this.log.grow(topic)
  }

  /** Nodes have read it before: one that has not cannot know that a client was further (docs/delivery.md). */
  #cut(partition: MemoryPartition, by: number): void {
    for (const node of this.#nodes) node.readAll()
    partition.cutBack(partition.end - by)
    for (const node of this.#nodes) node.noticeCut(partition)
  }

  /** A node leaves, and another takes its place; its clients, who may hear of it, connect to that one. */
  async #restart({ node: index, isHeard }: Extract<Act, { readonly act: 'restart' }>): Promise<void> {
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

  #start(): GatewayNode {
    return new GatewayNode(this.log, this.#settings)
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
        ({ node: of, session }) => of === node && isBehind(session?.readerState),
      )
      const counts = Object.values(node.sessions.readerCounts.behind)
      const counted = counts.reduce((sum, count) => sum + count, 0)
      // One that has ended counts until its read under way is over.
      if (counted < behind.length)
        node.faults.push(new Error(`${counted} counted as behind, not ${behind.length}`))
    }
  }

  #look(client: StrictClient): boolean {
    const isBusy = client.read()
    if (client.isFrozen) return isBusy
    if (client.transport.closed !== undefined && client.transport.inbox.length === 0) {
      this.#reconnect(client, client.node ?? this.#node(0))
      return true
    }
    if (client.session?.state === 'live' && !client.isSubscribed) client.subscribe(false)
    return isBusy
  }

  async #untilLevel(): Promise<void> {
    let idle = 0
    for (let turns = 0; idle < 5; turns++) {
      if (turns > mostTurns) throw new Error('readers that do not come to the end')
      const isBusy = await this.#turn(1)
      idle = isBusy || this.clients.some(client => !client.isLevel) ? 0 : idle + 1
    }
  }

  #at(place: number): MemoryPartition {
    return this.log.partitions[Math.min(place, this.log.partitions.length - 1)]!
  }

  #node(index: number): GatewayNode {
    return this.#nodes[index]!
  }
}

/** A symbol has a partition of its own; an article lies anywhere. */
function placeOf(record: Published): number {
  if ('place' in record) return record.place
  return symbols.indexOf(record.symbol) % 2
}
