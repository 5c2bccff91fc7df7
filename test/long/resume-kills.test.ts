import { afterEach, expect, inject, test } from 'vitest'
import { everyForm, KillRun } from '../scenarios/resume-kills/kill-run.ts'
import { flawless } from '../scenarios/resume-kills/verdict.ts'
import { report } from './kafka-faults/scenario.ts'

/** `TICKER_TEST_SEED=n` for other moments. */
const seed = Number(process.env['TICKER_TEST_SEED'] ?? 20)

let run: KillRun | undefined

afterEach(async () => {
  await run?.stop()
  run = undefined
})

test('twenty kills of two gateways lose, repeat and reorder nothing for a hundred subscribers', async () => {
  run = await KillRun.start({ brokers: inject('kafkaBrokers'), kills: 20, forms: everyForm, seed })
  const { verdict, kafka, figures, errors } = await run.finish()
  report(`two gateways killed in turn, seed ${seed}`, figures)
  expect(verdict).toEqual(flawless)
  expect(kafka).toEqual({ missingInKafka: 0, twiceInKafka: 0, disorderedInKafka: 0 })
  expect(figures['killed while catching up']).toBeGreaterThan(0)
  expect(errors).toEqual([])
})
