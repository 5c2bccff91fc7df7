import type { TestProject } from 'vitest/node'
import { startKafka } from './kafka.ts'
import { chromium, prometheus, promtool, Requirements } from './requirements.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Kafka that all tests share: `host:port`. Each test makes topics of its own, with `createTopics`. */
    kafkaBrokers: string
    /** The browser's program, for `launchChromium`. */
    chromiumPath: string
    /** Prometheus' program, for `startPrometheus`. */
    prometheusPath: string
    /** Its companion that checks metrics, configurations and rules, for `runPromtool`. */
    promtoolPath: string
  }
}

interface SharedKafka {
  readonly brokers: string
  stop(): Promise<void>
}

/** Brings up what the tests share, once per run; returns what takes it down. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const requirements = new Requirements()
  const [kafka, programs] = await Promise.allSettled([sharedKafka(requirements), findPrograms(requirements)])
  if (kafka.status === 'rejected') throw kafka.reason
  if (programs.status === 'rejected') {
    await kafka.value.stop()
    throw programs.reason
  }
  project.provide('kafkaBrokers', kafka.value.brokers)
  project.provide('chromiumPath', programs.value.chromium)
  project.provide('prometheusPath', programs.value.prometheus)
  project.provide('promtoolPath', programs.value.promtool)
  return () => kafka.value.stop()
}

/** One after the other: the first may bring the next. */
async function findPrograms(
  requirements: Requirements,
): Promise<Record<'chromium' | 'prometheus' | 'promtool', string>> {
  return {
    chromium: await requirements.ensure(chromium),
    prometheus: await requirements.ensure(prometheus),
    promtool: await requirements.ensure(promtool),
  }
}

/** The Kafka that `TICKER_TEST_KAFKA=host:port` names, or one of our own. */
async function sharedKafka(requirements: Requirements): Promise<SharedKafka> {
  const given = process.env['TICKER_TEST_KAFKA'] ?? ''
  return given === '' ? startKafka({ requirements }) : { brokers: given, stop: async () => {} }
}
