import type { TestProject } from 'vitest/node'
import { startKafka } from './kafka.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Kafka that all tests share: `host:port`. Each makes topics of its own, with `createTopics`. */
    kafkaBrokers: string
    /** The browser's program, for `launchChromium`. */
    chromiumPath: string
  }
}

/** Brings up what the tests need, once per run, and returns what takes it down. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TICKER_TEST_KAFKA']
  if (given !== undefined && given !== '') {
    project.provide('kafkaBrokers', given)
    return async () => {}
  }
  const kafka = await startKafka()
  project.provide('kafkaBrokers', kafka.brokers)
  return () => kafka.stop()
}
