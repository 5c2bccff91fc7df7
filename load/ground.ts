import { startKafka } from '../test/support/kafka.ts'
import { createTopics, deleteTopics } from '../test/support/topics.ts'
import type { Topics } from '../src/log/topics.ts'
import { type Cores, divideCores } from './cores.ts'
import { describeMachine } from './machine.ts'
import type { Bench } from './scenario.ts'

/** What every scenario stands on: the cores divided, and a broker. */
export interface Ground {
  readonly cores: Cores
  readonly brokers: string
  /** What the figures depend on, in some phrases. */
  readonly machine: readonly string[]
  /** Makes topics under names of the run's own. */
  readonly createTopics: (partitions: number) => Promise<Topics>
}

/** Divides the cores and starts a Kafka, unless one is named that runs already. */
export async function startGround(kafka: string | undefined, bench: Bench): Promise<Ground> {
  const { stack, signal, say } = bench
  const cores = divideCores()
  const brokers = kafka ?? (await startBroker(bench))
  signal.throwIfAborted()
  const broker =
    kafka === undefined ? 'a Kafka of its own (ZGC)' : `the Kafka at ${kafka}, which is not pinned`
  return {
    cores,
    brokers,
    machine: [...describeMachine(), cores.description, broker],
    async createTopics(partitions) {
      say('making topics')
      const topics = await createTopics(brokers, { prefix: 'load', partitions })
      if (kafka !== undefined) stack.defer(() => deleteTopics(brokers, topics))
      signal.throwIfAborted()
      return topics
    },
  }
}

/**
 * On the one core that it is given Java would collect with all threads stopped, for 20 to 115 ms a second (measured: the 99th percentile
 * of a latency was that of these pauses); so it collects beside them.
 */
const javaOptions = ['-XX:+UseZGC', '-Xmx1g']

async function startBroker({ stack, say }: Bench): Promise<string> {
  say('starting Kafka')
  const kafka = await startKafka({ javaOptions })
  stack.defer(() => kafka.stop())
  return kafka.brokers
}
