import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { ByteReader } from '../../src/log/kafka/protocol/byte-reader.ts'
import { ByteWriter } from '../../src/log/kafka/protocol/byte-writer.ts'

/** A record batch and where it is to go. */
export interface PlacedBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

/** Produce, version 9 (https://kafka.apache.org/protocol#The_Messages_Produce). */
const apiKeyAndVersion = 9
const timeoutMs = 30_000
/** A broker learns a moment later that it leads a new partition; until then it answers that it does not. */
const leaderTimeoutMs = 20_000
const leaderPollMs = 100
const notLeading = new Set([3, 5, 6])

/** Sends record batches as they are to the only broker, `acks=all`, one request at a time. */
export class ProduceConnection {
  readonly #socket: Socket
  #chunks: Buffer[] = []
  #length = 0
  #answered: PromiseWithResolvers<Buffer> | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', error => this.#answered?.reject(error))
    socket.once('close', () => this.#answered?.reject(new Error('the broker closed the connection')))
  }

  /** Connects to `host:port`; the connection ends with the stack. */
  static async open(broker: string, stack: AsyncDisposableStack): Promise<ProduceConnection> {
    const [host = '', port] = broker.split(':')
    const socket = connect({ host, port: Number(port), noDelay: true })
    stack.defer(() => void socket.destroy())
    await once(socket, 'connect')
    return new ProduceConnection(socket)
  }

  /** Resolves when the broker has acknowledged all; rejects when it refuses one. One batch a partition. */
  async send(batches: readonly PlacedBatch[]): Promise<void> {
    const deadlineMs = performance.now() + leaderTimeoutMs
    for (let left = batches; left.length > 0; ) {
      this.#answered = Promise.withResolvers()
      this.#socket.write(requestOf(left))
      const codes = errorCodes(await this.#answered.promise)
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

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    const answer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#length)
    if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return
    this.#chunks = []
    this.#length = 0
    this.#answered?.resolve(answer)
  }
}

function requestOf(batches: readonly PlacedBatch[]): Buffer {
  const writer = new ByteWriter(64 * 1024)
  // Length, correlation id, no client id, no tags; no transaction, all replicas.
  writer.int32(0).int32(apiKeyAndVersion).int32(1).int8(-1).int8(-1).noTags()
  writer.uvarint(0).int8(-1).int8(-1).int32(timeoutMs)
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
  const request = writer.noTags().bytes
  request.writeInt32BE(request.length - 4, 0)
  return request
}

/** The error code of each batch, by `topic/partition`. */
function errorCodes(answer: Buffer): ReadonlyMap<string, number> {
  const reader = new ByteReader(answer)
  reader.skip(8) // Length and correlation id.
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
