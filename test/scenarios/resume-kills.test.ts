import { afterEach, expect, inject, test } from 'vitest'
import { everyForm, KillRun } from './resume-kills/kill-run.ts'
import { flawless } from './resume-kills/verdict.ts'

let run: KillRun | undefined

afterEach(async () => {
  await run?.stop()
  run = undefined
})

test('a hundred subscribers get every event once and in order while two gateways are killed', async () => {
  run = await KillRun.start({ brokers: inject('kafkaBrokers'), kills: 3, forms: everyForm, seed: 6 })
  const { verdict, kafka, figures, errors } = await run.finish()
  expect(verdict).toEqual(flawless)
  expect(kafka).toEqual({ missingInKafka: 0, twiceInKafka: 0, disorderedInKafka: 0 })
  expect(figures['killed while catching up']).toBeGreaterThan(0)
  expect(errors).toEqual([])
})
