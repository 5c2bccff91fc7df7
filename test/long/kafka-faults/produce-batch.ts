import { once } from 'node:events'
import { connect } from 'node:net'

const produce = { apiKey: 0, apiVersion: 7 }
const timeoutMs = 60_000

export interface BatchTarget {
  /** `host:port` of the partition's leader. */
  readonly broker: string
  readonly topic: string
  readonly partition: number
}

/**
 * Sends a record batch as it is, in one Produce request by hand: kafkajs cannot build a large one. Resolves
 * with the offset that the broker gave its first record
 * (https://kafka.apache.org/protocol#The_Messages_Produce).
 */
export async function produceBatch(
  { broker, topic, partition }: BatchTarget,
  batch: Buffer,
): Promise<number> {
  const body = Buffer.concat([
    int16(produce.apiKey),
    int16(produce.apiVersion),
    int32(1), // Correlation id.
    text('batch'), // Client id.
    int16(-1), // No transaction.
    int16(-1), // Of all replicas.
    int32(timeoutMs),
    int32(1), // Topics.
    text(topic),
    int32(1), // Partitions.
    int32(partition),
    int32(batch.length),
    batch,
  ])
  const answer = await exchange(broker, Buffer.concat([int32(body.length), body]))
  // Length, correlation id, one topic, its name, one partition, its number.
  const at = 4 + 4 + 4 + 2 + Buffer.byteLength(topic) + 4 + 4
  const errorCode = answer.readInt16BE(at)
  if (errorCode !== 0) throw new Error(`${topic}/${partition}: Kafka answered error ${errorCode} to a batch`)
  return Number(answer.readBigInt64BE(at + 2))
}

async function exchange(broker: string, request: Buffer): Promise<Buffer> {
  const [host = '', port] = broker.split(':')
  const socket = connect(Number(port), host)
  try {
    await once(socket, 'connect')
    socket.write(request)
    let answer = Buffer.alloc(0)
    while (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      answer = Buffer.concat([answer, chunk])
    }
    return answer
  } finally {
    socket.destroy()
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
