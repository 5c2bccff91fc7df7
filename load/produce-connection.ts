import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A record batch and where it is to go. */
export interface PlacedBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

const produce = { key: 0, version: 7 } as const
const timeoutMs = 30_000
const allReplicas = -1

/** Sends record batches as they are to the one broker there is, `acks=all`, a request at a time. */
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

  /** Connects to `host:port`. */
  static async open(broker: string): Promise<ProduceConnection> {
    const [host = '', port] = broker.split(':')
    const socket = connect({ host, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return new ProduceConnection(socket)
  }

  /** Resolves when the broker has acknowledged all of them; rejects when it refuses one. At most one batch a partition. */
  async send(batches: readonly PlacedBatch[]): Promise<void> {
    this.#answered = Promise.withResolvers()
    for (const part of requestOf(batches)) this.#socket.write(part)
    checkAnswer(await this.#answered.promise)
  }

  close(): void {
    this.#socket.destroy()
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

/** https://kafka.apache.org/protocol#The_Messages_Produce, version 7. */
function requestOf(batches: readonly PlacedBatch[]): Buffer[] {
  const head = [int16(produce.key), int16(produce.version), int32(1), text('load')]
  const body = [int16(-1), int16(allReplicas), int32(timeoutMs)]
  const byTopic = Map.groupBy(batches, ({ topic }) => topic)
  body.push(int32(byTopic.size))
  for (const [topic, ofTopic] of byTopic) {
    body.push(text(topic), int32(ofTopic.length))
    for (const { partition, bytes } of ofTopic) body.push(int32(partition), int32(bytes.length), bytes)
  }
  const parts = [...head, ...body]
  return [int32(parts.reduce((sum, part) => sum + part.length, 0)), ...parts]
}

function checkAnswer(answer: Buffer): void {
  // Behind length and correlation id.
  let at = 8
  const topics = answer.readInt32BE(at)
  at += 4
  for (let topic = 0; topic < topics; topic++) {
    at += 2 + answer.readInt16BE(at)
    const partitions = answer.readInt32BE(at)
    at += 4
    for (let index = 0; index < partitions; index++) {
      const code = answer.readInt16BE(at + 4)
      if (code !== 0)
        throw new Error(`partition ${answer.readInt32BE(at)}: Kafka answered error ${code} to a batch`)
      // Partition, error, first offset, time, start of the log.
      at += 4 + 2 + 8 + 8 + 8
    }
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)])
}
