import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AppendResult } from '../../../src/log/event-log.ts'
import { UnsentError } from '../../../src/log/kafka/kafka-error.ts'
import { createKafkaLog, type KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { sampleTrade } from '../../log/conformance/sample-event.ts'
import { type KafkaBroker, startKafka } from '../../support/kafka.ts'
import { Scenario, sound } from './scenario.ts'
import type { TrueRecord } from './truth.ts'

const outageMs = 20_000
const appendIntervalMs = 100
/** Above every number of the steady producer. */
const firstAppended = 1_000_000

let broker: KafkaBroker
let scenario: Scenario
let log: KafkaLog

beforeAll(async () => {
  broker = await startKafka()
})
afterEach(async () => {
  await scenario.stop()
  await log.close()
})
afterAll(() => broker.stop())

const ends = {
  SIGTERM: () => broker.shutDown(),
  SIGKILL: () => broker.kill(),
}

describe.each(['SIGTERM', 'SIGKILL'] as const)('one broker, ended by %s for 20 s', signal => {
  test('loses, repeats and reorders nothing, stays ready, and what it acknowledges is there once', async () => {
    scenario = await Scenario.start({ brokers: broker.brokers })
    const { brokers, topics, subscriber } = scenario
    log = createKafkaLog({
      brokers: [brokers],
      clientId: 'append',
      topics,
      logger: { warn: () => undefined },
    })
    const stopping = new AbortController()
    const appending = appendUntil(stopping.signal)
    await ends[signal]()
    const endedAt = performance.now()
    await pause(outageMs)
    await broker.restart()
    const backAt = performance.now()
    await scenario.arrivals(400)
    stopping.abort()
    const appended = await appending
    const { outcome, truth } = await scenario.check()
    const wrong = misplaced(appended, truth)
    scenario.report(`one broker, ${signal}`, outcome, {
      'down s': ((backAt - endedAt) / 1000).toFixed(1),
      'first event after ms': subscriber.firstAfterMs(backAt),
      appended: appended.length,
      acknowledged: appended.filter(result => 'position' in result).length,
      misplaced: wrong,
    })
    expect({ ...outcome, misplaced: wrong }).toEqual({ ...sound, misplaced: 0 })
  })
})

/** Appends an event every tenth of a second, waiting for no answer. */
async function appendUntil(signal: AbortSignal): Promise<readonly AppendResult[]> {
  const results: Promise<readonly AppendResult[]>[] = []
  while (!signal.aborted) {
    results.push(log.append([sampleTrade('APPENDED', firstAppended + results.length)]))
    await pause(appendIntervalMs)
  }
  return (await Promise.all(results)).flat()
}

/** How many were acknowledged and are not where that said, once, or are there twice, or though they were never sent. */
function misplaced(results: readonly AppendResult[], truth: readonly TrueRecord[]): number {
  const isRight = (result: AppendResult, index: number): boolean => {
    const found = truth.filter(({ number }) => number === firstAppended + index)
    const [first] = found
    if ('error' in result) return found.length <= (result.error instanceof UnsentError ? 0 : 1)
    const { partition, offset } = result.position
    return found.length === 1 && first?.partition === partition.partition && first.offset === offset
  }
  return results.filter((result, index) => !isRight(result, index)).length
}
