import type { TestProject } from 'vitest/node'
import { startKafka } from '../support/kafka.ts'
import { type ProgramName, programPath, requiredPrograms } from './required-programs.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /**
     * The Kafka that all tests share: `host:port`. Each test makes topics of its own, with `createTopics`.
     */
    kafkaBrokers: string
  }
}

/**
 * Starts the Kafka that the tests share, once per run, and returns the function that stops it. With
 * `TICKER_TEST_KAFKA=host:port` they use that one. Throws a `SetUpError` if the set-up has not been done.
 */
export default async function shareKafka(project: TestProject): Promise<() => Promise<void>> {
  for (const name of Object.keys(requiredPrograms)) programPath(name as ProgramName)
  const given = process.env['TICKER_TEST_KAFKA'] ?? ''
  if (given !== '') {
    project.provide('kafkaBrokers', given)
    return () => Promise.resolve()
  }
  const kafka = await startKafka()
  project.provide('kafkaBrokers', kafka.brokers)
  return () => kafka.stop()
}
