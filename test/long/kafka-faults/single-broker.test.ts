import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type KafkaBroker, startKafka } from '../../support/kafka.ts'
import { Appends, postTo, summary } from './appends.ts'
import { Scenario, sound } from './scenario.ts'

const outageMs = 20_000

let broker: KafkaBroker
let scenario: Scenario
let appends: Appends

beforeAll(async () => {
  broker = await startKafka()
})
afterEach(async () => {
  await scenario.stop()
  await appends.stop()
})
afterAll(() => broker.stop())

const ends = {
  SIGTERM: () => broker.shutDown(),
  SIGKILL: () => broker.kill(),
}

describe.each(['SIGTERM', 'SIGKILL'] as const)('one broker, ended by %s for 20 s', signal => {
  test('loses, repeats and reorders nothing, stays ready, and keeps acknowledged events once', async () => {
    scenario = await Scenario.start({ brokers: broker.brokers })
    const { gateway, subscriber } = scenario
    appends = new Appends(await postTo(gateway))
    await ends[signal]()
    const endedAt = performance.now()
    await pause(outageMs)
    await broker.restart()
    const backAt = performance.now()
    await scenario.arrivals(400)
    const appended = await appends.stop()
    const { outcome } = await scenario.check(appended)
    scenario.report(`one broker, ${signal}`, outcome, {
      'down s': ((backAt - endedAt) / 1000).toFixed(1),
      'first event after ms': subscriber.firstAfterMs(backAt),
      ...summary(appended),
      misplaced: outcome.misplaced,
    })
    expect(outcome).toEqual(sound)
  })
})
