import type { TestProject } from 'vitest/node'
import { startKafka } from './kafka.ts'
import { chromium, Requirements } from './requirements.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Kafka that all tests share: `host:port`. Each test makes topics of its own, with `createTopics`. */
    kafkaBrokers: string
    /** The browser's program, for `launchChromium`. */
    chromiumPath: string
  }
}

interface SharedKafka {
  readonly brokers: string
  stop(): Promise<void>
}

/** Brings up what the tests share, once per run; returns what takes it down. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const requirements = new Requirements()
  const [kafka, browser] = await Promise.allSettled([
    sharedKafka(requirements),
    requirements.ensure(chromium),
  ])
  if (kafka.status === 'rejected') throw kafka.reason
  if (browser.status === 'rejected') {
    await kafka.value.stop()
    throw browser.reason
  }
  project.provide('kafkaBrokers', kafka.value.brokers)
  project.provide('chromiumPath', browser.value)
  return () => kafka.value.stop()
}

/** The Kafka that `TICKER_TEST_KAFKA=host:port` names, or one of our own. */
async function sharedKafka(requirements: Requirements): Promise<SharedKafka> {
  const given = process.env['TICKER_TEST_KAFKA'] ?? ''
  return given === '' ? startKafka({ requirements }) : { brokers: given, stop: async () => {} }
}
