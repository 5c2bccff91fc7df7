import { startKafka } from '../../test/support/kafka.ts'
import { createTopics, deleteTopics } from '../../test/support/topics.ts'
import type { Bench, KafkaBench } from '../lib/bench.ts'

/**
 * On one core Java would collect with all threads stopped, for 20 to 115 ms a second (measured: the 99th
 * percentile of a latency was that of these pauses); so it collects beside them.
 */
const javaOptions = ['-XX:+UseZGC', '-Xmx1g']

/** Starts a Kafka, unless one is named that runs already. */
export async function openKafkaBench(named: string | undefined, bench: Bench): Promise<KafkaBench> {
  const { stack, signal, say } = bench
  const brokers = named ?? (await startBroker(bench))
  signal.throwIfAborted()
  const broker =
    named === undefined ? 'a Kafka of its own (ZGC)' : `the Kafka at ${named}, which is not pinned`
  return {
    ...bench,
    brokers,
    broker,
    async createTopics(partitions) {
      say('making topics')
      const topics = await createTopics(brokers, { prefix: 'load', partitions })
      if (named !== undefined) stack.defer(() => deleteTopics(brokers, topics))
      signal.throwIfAborted()
      return topics
    },
  }
}

async function startBroker({ stack, say }: Bench): Promise<string> {
  say('starting Kafka')
  const kafka = await startKafka({ javaOptions })
  stack.defer(() => kafka.stop())
  return kafka.brokers
}
