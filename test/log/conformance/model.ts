import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LogUnderTest, OpenLog } from './log-under-test.ts'
import { ModelRun } from './model-run.ts'

const runs = 30

/** Numbers that the model takes modulo what there is. */
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        keys: fc.array(fc.nat(7), { maxLength: 60, size: 'max' }),
        times: fc.constantFrom(1, 1, 1, 40),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('range' as const),
        of: fc.nat(),
        from: fc.nat(),
        to: fc.nat(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('follow' as const), of: fc.nat() }) },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('pull' as const),
        of: fc.nat(),
        arrays: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), of: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  ),
  { minLength: 5, maxLength: 20, size: 'max' },
)

/** Something that may happen to a log. */
export type Step = (typeof steps extends fc.Arbitrary<(infer Each)[]> ? Each : never) & {
  readonly kind: string
}

/** Random appends, reads, retention and restarts, compared with a list per partition. */
export function modelSuite(open: OpenLog): void {
  let opened: LogUnderTest
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened.close(), 60_000)

  test('after appends, retention and restarts in any order, readers get what a list would give', async () => {
    let { log } = opened
    const property = fc.asyncProperty(steps, async sequence => {
      const run = await ModelRun.start(opened, log)
      try {
        for (const step of sequence) await run.step(step)
        await run.finish()
      } finally {
        log = run.log
        await run.stop()
      }
    })
    const outcome = await fc.check(property, { numRuns: runs, endOnFailure: true })
    expect({ report: fc.defaultReportMessage(outcome), error: outcome.errorInstance }).toEqual({
      report: undefined,
      error: null,
    })
  })
}
