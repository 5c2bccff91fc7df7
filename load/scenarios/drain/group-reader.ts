import type { KafkaMessage } from 'kafkajs'
import { registerCompression, type Compression } from '../../kafka/compression.ts'
import { readWithGroup } from '../../kafka/kafkajs-clients.ts'
import { answerCalls } from '../../lib/child.ts'
import { type Drained, Stopwatch } from './stopwatch.ts'

interface Backlog {
  readonly brokers: string
  readonly topics: readonly string[]
  readonly expected: number
  readonly compression: Compression
}

/** The functions of the process that reads with kafkajs' consumer group, a new one each time. */
const functions = {
  /** `eachBatch`, without looking at the messages. */
  messages(backlog: Backlog): Promise<Drained> {
    return drain(backlog, () => undefined)
  },

  /** `eachBatch` with `JSON.parse` of every value. */
  parsed(backlog: Backlog): Promise<Drained> {
    return drain(backlog, messages => {
      for (const { value } of messages) {
        const parsed: unknown = value === null ? undefined : JSON.parse(value.toString('utf8'))
        if (parsed === null) throw new TypeError('an event is null')
      }
    })
  },
}

export type GroupReader = typeof functions

async function drain(
  { brokers, topics, expected, compression }: Backlog,
  work: (messages: readonly KafkaMessage[]) => void,
): Promise<Drained> {
  registerCompression(compression)
  const stopwatch = new Stopwatch(expected)
  const take = ({ messages }: { readonly messages: readonly KafkaMessage[] }): boolean => {
    work(messages)
    return stopwatch.count(messages.length)
  }
  await readWithGroup({ brokers, topics, take })
  return await stopwatch.done
}

answerCalls(functions)
