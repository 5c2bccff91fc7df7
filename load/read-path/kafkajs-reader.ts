import { createRequire } from 'node:module'
import { Kafka, logLevel } from 'kafkajs'
import Broker from 'kafkajs/src/broker/index.js'
import { createLogger } from 'kafkajs/src/loggers/index.js'
import ConnectionPool from 'kafkajs/src/network/connectionPool.js'
import type { Topics } from '../../src/log/topics.ts'
import { brokerAddress } from '../../src/log/kafka/connection/broker-connection.ts'
import { kafkajsConfig, requestTimeoutMs } from '../../src/log/kafka/connection/kafkajs-config.ts'
import { answerCalls } from '../child-calls.ts'
import { type Compression, registerCompression } from '../compression.ts'
import { StageClock } from '../stage-clock.ts'
import { fetchLimits, RawReader } from './raw-reader.ts'

/** CPU in µs. */
export interface KafkajsUs {
  /** Records to objects; with the network, except by `decodeHeld`. */
  readonly decode: number
  /** `JSON.parse` of the values. */
  readonly parse: number
  readonly events: number
}

/** A record as kafkajs gives it. */
interface KafkajsMessage {
  readonly offset: string
  readonly value: Buffer | null
}

interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string
    readonly partitions: readonly {
      readonly partition: number
      readonly messages: readonly KafkajsMessage[]
    }[]
  }[]
}

type Fetch = (request: object) => Promise<FetchAnswer>

let brokers = ''
let raw: RawReader | undefined
let held: readonly Buffer[] = []
let fetchFrom: Fetch | undefined
let groups = 0

/** The functions of this process. */
const functions = {
  async open(address: string, topics: Topics, compression: Compression): Promise<void> {
    brokers = address
    registerCompression(compression)
    raw = await RawReader.open(address, topics)
    held = await hold(raw)
    fetchFrom = await connectFetch(address)
  },

  /** `broker.fetch`, which decodes, at explicit positions. */
  async readByFetch(): Promise<KafkajsUs> {
    if (raw === undefined || fetchFrom === undefined) throw new Error('nothing is open')
    const clock = new StageClock<'decode' | 'parse'>()
    const next = new Map(
      raw.starts.map(({ partition, offset }) => [`${partition.topic}/${partition.partition}`, offset]),
    )
    let events = 0
    for (;;) {
      const { responses } = await fetchFrom(requestFor(next))
      clock.end('decode')
      let fetched = 0
      for (const { topicName, partitions } of responses) {
        for (const { partition, messages } of partitions) {
          const last = messages.at(-1)
          if (last === undefined) continue
          for (const { value } of messages) parse(value)
          next.set(`${topicName}/${partition}`, Number(last.offset) + 1)
          fetched += messages.length
        }
      }
      clock.end('parse')
      if (fetched === 0) return { decode: clock.us('decode'), parse: clock.us('parse'), events }
      events += fetched
    }
  },

  /** Its decoder alone, on bytes that lie in memory. */
  async decodeHeld(): Promise<KafkajsUs> {
    const clock = new StageClock<'decode'>()
    let events = 0
    for (const bytes of held) events += (await decodeMessages(new Decoder(bytes))).length
    clock.end('decode')
    return { decode: clock.us('decode'), parse: 0, events }
  },

  /** Its consumer group with `eachBatch`, from the moment that it has joined, to so many events. */
  async readByGroup(topics: readonly string[], expected: number): Promise<KafkajsUs> {
    const kafka = new Kafka({ clientId: 'load', brokers: brokers.split(','), logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: `load-${process.pid}-${groups++}` })
    const clock = new StageClock<'decode' | 'parse'>()
    const { promise, resolve } = Promise.withResolvers<void>()
    let events = 0
    await consumer.connect()
    await consumer.subscribe({ topics: [...topics], fromBeginning: true })
    consumer.on('consumer.group_join', () => clock.restart())
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        clock.end('decode')
        for (const { value } of batch.messages) parse(value)
        clock.end('parse')
        events += batch.messages.length
        if (events >= expected) resolve()
      },
    })
    await promise
    void consumer.disconnect()
    return { decode: clock.us('decode'), parse: clock.us('parse'), events }
  },
}

export type KafkajsReader = typeof functions

/** What comes of it is looked at, so that no compiler leaves it out. */
function parse(value: Buffer | null): void {
  const parsed: unknown = value === null ? undefined : JSON.parse(value.toString('utf8'))
  if (parsed === null) throw new TypeError('an event is null')
}

function requestFor(next: ReadonlyMap<string, number>): object {
  const byTopic = Map.groupBy(next, ([where]) => where.slice(0, where.lastIndexOf('/')))
  const topics = [...byTopic].map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map(([where, fetchOffset]) => ({
      partition: Number(where.slice(where.lastIndexOf('/') + 1)),
      fetchOffset,
      maxBytes: fetchLimits.maxPartitionBytes,
    })),
  }))
  return {
    replicaId: -1,
    isolationLevel: 1,
    maxWaitTime: 50,
    minBytes: 1,
    maxBytes: fetchLimits.maxBytes,
    topics,
  }
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
  const config = kafkajsConfig({ brokers: [address], clientId: 'load' })
  const kafkajsLogger = createLogger({ level: config.logLevel, logCreator: config.logCreator })
  const [first = ''] = address.split(',')
  const connectionPool = new ConnectionPool({ ...config, ...brokerAddress(first), logger: kafkajsLogger })
  const broker: unknown = new Broker({
    connectionPool,
    logger: kafkajsLogger,
    authenticationTimeout: requestTimeoutMs,
  })
  if (!isFetching(broker)) throw new Error('kafkajs has no broker.fetch any more')
  await broker.connect()
  return request => broker.fetch(request)
}

function isFetching(broker: unknown): broker is Broker & { fetch: Fetch } {
  return broker instanceof Broker && 'fetch' in broker
}

const require = createRequire(import.meta.url)
/** Of kafkajs 2.2.4, pinned; not exported, and so without types. */
const Decoder: new (bytes: Buffer) => object = require('kafkajs/src/protocol/decoder.js')
const decodeMessages: (decoder: object) => Promise<readonly KafkajsMessage[]> =
  require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js')

answerCalls(functions)
