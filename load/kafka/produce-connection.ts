import { setTimeout as pause } from 'node:timers/promises'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import { brokerAddress } from '../../src/log/kafka/connection/broker-connection.ts'
import { kafkajsConfig } from '../../src/log/kafka/connection/kafkajs-config.ts'
import { closePool, createBroker } from '../../src/log/kafka/connection/kafkajs-patches.ts'
import { ByteReader } from '../../src/log/kafka/protocol/byte-reader.ts'
import { ByteWriter } from '../../src/log/kafka/protocol/byte-writer.ts'

/** A record batch and where it is to go. */
export interface PlacedBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

/** https://kafka.apache.org/protocol#The_Messages_Produce */
const api = { apiKey: 0, apiVersion: 9, apiName: 'Produce' } as const
const timeoutMs = 30_000
/** A broker learns a moment later that it leads a new partition; until then it answers that it does not. */
const leaderTimeoutMs = 20_000
const leaderPollMs = 100
const notLeading = new Set([3, 5, 6])

/** Sends record batches as they are to the only broker, `acks=all`, one request at a time. */
export class ProduceConnection {
  readonly #pool: ReturnType<typeof createBroker>['pool']

  private constructor(pool: ReturnType<typeof createBroker>['pool']) {
    this.#pool = pool
  }

  /** Connects to `host:port`; the connection ends with the stack. */
  static async open(address: string, stack: AsyncDisposableStack): Promise<ProduceConnection> {
    const config = kafkajsConfig({ brokers: [address], clientId: 'load' })
    const { broker, pool } = createBroker({ ...config, ...brokerAddress(address) })
    stack.defer(() => closePool(pool))
    await broker.connect()
    return new ProduceConnection(pool)
  }

  /** Resolves when the broker has acknowledged all; rejects when it refuses one. One batch a partition. */
  async send(batches: readonly PlacedBatch[]): Promise<void> {
    const deadlineMs = performance.now() + leaderTimeoutMs
    for (let left = batches; left.length > 0; ) {
      const codes = await this.#pool.send(requestOf(left))
      left = left.filter(({ topic, partition }) => codes.get(`${topic}/${partition}`) !== 0)
      const lasting = left.find(
        ({ topic, partition }) => !notLeading.has(codes.get(`${topic}/${partition}`) ?? -1),
      )
      const refused = performance.now() > deadlineMs ? left[0] : lasting
      if (refused !== undefined) {
        const { topic, partition } = refused
        const code = codes.get(`${topic}/${partition}`)
        throw new Error(`${topic}/${partition}: Kafka answered error ${code} to a batch`)
      }
      if (left.length > 0) await pause(leaderPollMs)
    }
  }
}

/** A request in a flexible version, of which kafkajs knows none. */
function requestOf(batches: readonly PlacedBatch[]) {
  const writer = new ByteWriter(64 * 1024)
  // The end of the header; no transaction, all replicas.
  writer.noTags().uvarint(0).int8(-1).int8(-1).int32(timeoutMs)
  writer.compactArray([...Map.groupBy(batches, ({ topic }) => topic)], ([topic, ofTopic]) => {
    writer.compactString(topic).compactArray(ofTopic, ({ partition, bytes }) => {
      writer
        .int32(partition)
        .uvarint(bytes.length + 1)
        .raw(bytes)
        .noTags()
    })
    writer.noTags()
  })
  const { bytes: body } = writer.noTags()
  const encode = async () => new Encoder(body.length).writeBuffer(body)
  const decode = async (bytes: Buffer) => ({ clientSideThrottleTime: 0, answer: errorCodes(bytes) })
  const parse = ({ answer }: { readonly answer: ReturnType<typeof errorCodes> }) => answer
  return { request: { ...api, encode }, response: { decode, parse }, logResponseError: false }
}

/** The error code of each batch, by `topic/partition`. */
function errorCodes(answer: Buffer): ReadonlyMap<string, number> {
  const reader = new ByteReader(answer)
  reader.skipTags()
  const codes = new Map<string, number>()
  reader.compactArray(() => {
    const topic = reader.compactString()
    reader.compactArray(() => {
      codes.set(`${topic}/${reader.int32()}`, reader.int16())
      reader.skip(24) // First offset, time, start of the log.
      reader.compactArray(() => {
        reader.int32()
        reader.compactString()
        reader.skipTags()
      })
      reader.compactString()
      reader.skipTags()
    })
    reader.skipTags()
  })
  return codes
}
