import { createRequire } from 'node:module'
import type { Topics } from '../../../src/log/topics.ts'
import { brokerAddress } from '../../../src/log/kafka/connection/broker-connection.ts'
import { kafkajsConfig } from '../../../src/log/kafka/connection/kafkajs-config.ts'
import { createBroker } from '../../../src/log/kafka/connection/kafkajs-patches.ts'
import { answerCalls } from '../../lib/child.ts'
import { type Compression, registerCompression } from '../../kafka/compression.ts'
import { readWithGroup } from '../../kafka/kafkajs-clients.ts'
import { StageClock } from '../../lib/clocks.ts'
import { fetchLimits, openRawReader, type RawReader } from './raw-reader.ts'

/** A record as kafkajs gives it. */
interface KafkajsMessage {
  readonly offset: string
  readonly value: Buffer | null
}

interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string
    readonly partitions: readonly { readonly messages: readonly KafkajsMessage[] }[]
  }[]
}

type Fetch = (request: object) => Promise<FetchAnswer>

let brokers = ''
let raw: RawReader | undefined
let held: readonly Buffer[] = []
let fetchFrom: Fetch | undefined

const functions = {
  async open(address: string, topics: Topics, compression: Compression): Promise<void> {
    brokers = address
    registerCompression(compression)
    raw = await openRawReader(address, topics)
    held = await hold(raw)
    fetchFrom = await connectFetch(address)
  },

  /** `broker.fetch`, which decodes, at explicit positions, in topics of one partition. */
  async readByFetch() {
    if (raw === undefined || fetchFrom === undefined) throw new Error('nothing is open')
    const clock = new StageClock<'decode' | 'parse'>()
    const next = new Map(raw.starts.map(({ partition, offset }) => [partition.topic, offset]))
    let events = 0
    for (;;) {
      const { responses } = await fetchFrom(requestFor(next))
      clock.end('decode')
      let fetched = 0
      for (const { topicName, partitions } of responses) {
        for (const { offset, value } of partitions.flatMap(({ messages }) => messages)) {
          parse(value)
          next.set(topicName, Number(offset) + 1)
          fetched++
        }
      }
      clock.end('parse')
      if (fetched === 0) return { decode: clock.us('decode'), parse: clock.us('parse'), events }
      events += fetched
    }
  },

  /** Its decoder alone, on bytes that lie in memory. */
  async decodeHeld() {
    const clock = new StageClock<'decode'>()
    let events = 0
    for (const bytes of held) events += (await decodeMessages(new Decoder(bytes))).length
    clock.end('decode')
    return { decode: clock.us('decode'), parse: Number.NaN, events }
  },

  /** Its consumer group with `eachBatch`, from the moment that it has joined, to so many events. */
  async readByGroup(topics: readonly string[], expected: number) {
    const clock = new StageClock<'decode' | 'parse'>()
    let events = 0
    const take = ({ messages }: { readonly messages: readonly KafkajsMessage[] }): boolean => {
      clock.end('decode')
      for (const { value } of messages) parse(value)
      clock.end('parse')
      events += messages.length
      return events >= expected
    }
    await readWithGroup({ brokers, topics, take, onJoin: () => clock.restart() })
    return { decode: clock.us('decode'), parse: clock.us('parse'), events }
  },
}

export type KafkajsReader = typeof functions

/** Looks at the result, so that no compiler leaves the parsing out. */
function parse(value: Buffer | null): void {
  const parsed: unknown = value === null ? undefined : JSON.parse(value.toString('utf8'))
  if (parsed === null) throw new TypeError('an event is null')
}

function requestFor(next: ReadonlyMap<string, number>): object {
  const { maxBytes, maxPartitionBytes } = fetchLimits
  const topics = [...next].map(([topic, fetchOffset]) => {
    return { topic, partitions: [{ partition: 0, fetchOffset, maxBytes: maxPartitionBytes }] }
  })
  return { replicaId: -1, isolationLevel: 1, maxWaitTime: 50, minBytes: 1, maxBytes, topics }
}

async function hold(reader: RawReader): Promise<Buffer[]> {
  const sets: Buffer[] = []
  await reader.eachAnswer(answer => {
    for (const { partition } of answer) {
      // kafkajs' decoder wants the length in front.
      const length = Buffer.alloc(4)
      length.writeInt32BE(partition.records.length)
      sets.push(Buffer.concat([length, partition.records]))
    }
  })
  return sets
}

async function connectFetch(address: string): Promise<Fetch> {
  const [first = ''] = address.split(',')
  const config = kafkajsConfig({ brokers: [first], clientId: 'load' })
  const { broker } = createBroker({ ...config, ...brokerAddress(first) })
  if (!isFetching(broker)) throw new Error('kafkajs has no broker.fetch any more')
  await broker.connect()
  return request => broker.fetch(request)
}

function isFetching<Broker extends object>(broker: Broker): broker is Broker & { fetch: Fetch } {
  return 'fetch' in broker
}

const require = createRequire(import.meta.url)
/** Of kafkajs 2.2.4, pinned; not exported, and so without types. */
const Decoder: new (bytes: Buffer) => object = require('kafkajs/src/protocol/decoder.js')
const decodeMessages: (decoder: object) => Promise<readonly KafkajsMessage[]> =
  require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js')

answerCalls(functions)
