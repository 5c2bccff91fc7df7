import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createKafkaLog } from '../../../../src/log/kafka/kafka-log.ts'
import { sampleRecords } from '../batch-encoder.ts'
import { FakeCluster } from '../fake-cluster.ts'
import type { FakePartition } from '../fake-partition.ts'
import { numbers, TailReading, until } from '../reading.ts'

const topics = { trades: 'trades', quotes: 'trades', bars: 'trades', statuses: 'trades', news: 'trades' }
const partitionCount = 3

/** What may befall a cluster of two brokers, and its reader. */
const events = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('append'), of: fc.nat(2), count: fc.nat(2500) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('move'), of: fc.nat(2), to: fc.integer({ min: -1, max: 1 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut'), node: fc.nat(1) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('hang up'),
        node: fc.nat(1),
        apiKey: fc.constantFrom(1, 2, 3, 18),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('make again') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('do not read') }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('read'), batches: fc.integer({ min: 1, max: 5 }) }),
    },
  ),
  { minLength: 5, maxLength: 40 },
)

type Event = (typeof events extends fc.Arbitrary<(infer Each)[]> ? Each : never) & { readonly kind: string }

test('reads every partition completely and in order, whatever happens to the cluster', async () => {
  const property = fc.asyncProperty(events, async sequence => {
    const run = await Run.start()
    try {
      for (const event of sequence) await run.step(event)
      await run.finish()
    } finally {
      await run.stop()
    }
  })
  const outcome = await fc.check(property, { numRuns: 60, endOnFailure: true })
  expect(fc.defaultReportMessage(outcome)).toBe(undefined)
})

class Run {
  readonly #cluster: FakeCluster
  readonly #log: ReturnType<typeof createKafkaLog>
  readonly #reading: TailReading
  #partitions: readonly FakePartition[]

  static async start(): Promise<Run> {
    return new Run(await FakeCluster.start(2))
  }

  private constructor(cluster: FakeCluster) {
    this.#cluster = cluster
    const logger = { warn: () => {} }
    const brokers = cluster.brokers
    this.#partitions = cluster.create('trades', [0, 1, 0])
    this.#log = createKafkaLog({ brokers, clientId: 'test', topics, logger, lookUpIntervalMs: 50 })
    this.#reading = new TailReading(this.#log)
  }

  async step(event: Event): Promise<void> {
    if ('count' in event)
      return this.#cluster.append(this.#partitions[event.of]!, sampleRecords(event.count + 1))
    if ('to' in event) return this.#cluster.move(this.#partitions[event.of]!, event.to)
    if ('apiKey' in event) return this.#hangUpOnce(event.node, event.apiKey)
    if ('node' in event) return this.#cluster.cut(event.node)
    if (event.kind === 'make again') this.#partitions = this.#cluster.create('trades', [1, 0, 1])
    else if (event.kind === 'do not read') await this.#idle()
    else await this.#read('batches' in event ? event.batches : 1)
    return undefined
  }

  /** Everything that the topic holds now is read once the cluster behaves. */
  async finish(): Promise<void> {
    this.#cluster.faults.length = 0
    for (const partition of this.#partitions) this.#cluster.move(partition, Math.max(0, partition.leader))
    await this.#reading.until(() => this.#isRead())
    for (let index = 0; index < partitionCount; index += 1) this.#check(index)
  }

  async stop(): Promise<void> {
    await this.#reading.end()
    await this.#log.close()
    await this.#cluster.stop()
  }

  /** Reads some batches, as far as there are any; the rest waits meanwhile. */
  async #read(batches: number): Promise<void> {
    const enough = this.#reading.batches.length + batches
    if (this.#isLed()) {
      await this.#reading.until(() => this.#isRead() || this.#reading.batches.length >= enough)
    }
  }

  /**
   * Lets the cluster be looked up twice while nothing is read. Without a leader, look-ups are seconds apart.
   */
  async #idle(): Promise<void> {
    if (!this.#isLed()) return
    const { metadataRefreshes } = this.#log.stats
    await until(
      () => this.#reading.batches.length === 0 || this.#log.stats.metadataRefreshes > metadataRefreshes + 1,
    )
  }

  #isLed(): boolean {
    return this.#partitions.every(({ leader }) => leader >= 0)
  }

  #hangUpOnce(node: number, apiKey: number): void {
    this.#cluster.faults[node] = (request, socket) => {
      if (request.apiKey !== apiKey) return false
      this.#cluster.faults[node] = undefined
      socket.destroy()
      return true
    }
  }

  #epoch(): string {
    return this.#cluster.topics.get('trades')!.id.toString('base64url')
  }

  #isRead(): boolean {
    return this.#partitions.every(({ end }, index) => {
      const last = this.#reading.of('trades', index).findLast(({ epoch }) => epoch === this.#epoch())
      return end === 0 || last?.to === end
    })
  }

  #check(index: number): void {
    const byEpoch = Map.groupBy(this.#reading.of('trades', index), ({ epoch }) => epoch)
    for (const [epoch, batches] of byEpoch) {
      const offsets = batches.flatMap(({ records }) => records.map(({ offset }) => offset))
      assert.deepEqual(offsets, numbers(0, batches.at(-1)!.to), `partition ${index} of ${epoch}`)
    }
    const epochs = this.#reading.of('trades', index).map(({ epoch }) => epoch)
    assert.equal(
      epochs.filter((epoch, at) => epoch !== epochs[at - 1]).length,
      byEpoch.size,
      'epochs do not alternate',
    )
  }
}
