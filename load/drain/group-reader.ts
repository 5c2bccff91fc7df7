import { type EachBatchPayload, Kafka, logLevel } from 'kafkajs'
import { answerCalls } from '../child-calls.ts'
import { registerCompression, type Compression } from '../compression.ts'
import { type Drained, Stopwatch } from './stopwatch.ts'

interface Backlog {
  readonly brokers: string
  readonly topics: readonly string[]
  readonly expected: number
  readonly compression: Compression
}

let groups = 0

/** The functions of the process that reads with kafkajs' consumer group, a new one each time. */
const functions = {
  /** `eachBatch`, the messages not looked into. */
  messages(backlog: Backlog): Promise<Drained> {
    return drain(backlog, () => undefined)
  },

  /** `eachBatch` with `JSON.parse` of every value. */
  parsed(backlog: Backlog): Promise<Drained> {
    return drain(backlog, ({ batch }) => {
      for (const { value } of batch.messages) {
        const parsed: unknown = value === null ? undefined : JSON.parse(value.toString('utf8'))
        if (parsed === null) throw new TypeError('an event is null')
      }
    })
  },
}

export type GroupReader = typeof functions

async function drain(backlog: Backlog, work: (payload: EachBatchPayload) => void): Promise<Drained> {
  const { brokers, topics, expected, compression } = backlog
  registerCompression(compression)
  const stopwatch = new Stopwatch(expected)
  const kafka = new Kafka({ clientId: 'load', brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `load-drain-${process.pid}-${groups++}` })
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async payload => {
      work(payload)
      stopwatch.count(payload.batch.messages.length)
    },
  })
  const drained = await stopwatch.done
  // Not awaited here: `disconnect` waits for the batch under way.
  void consumer.disconnect()
  return drained
}

answerCalls(functions)
